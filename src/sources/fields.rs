//! Fields of lines and rows as agents write them: any may be missing, or of another kind in another
//! version, which is as good as nothing and no reason to lose the rest.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::value::RawValue;

use super::tolerant;

/// A value of the kind that is wanted, else none.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    lenient_borrowed(deserializer)
}

/// The same for what borrows from the line.
pub(super) fn lenient_borrowed<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let raw: &RawValue = Deserialize::deserialize(deserializer)?;
    Ok(tolerant::read(raw))
}

/// A number of tokens, however it is written: whole, as `10.0` or `1e3`, or as text.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let raw: &RawValue = Deserialize::deserialize(deserializer)?;
    let number = raw.get().trim_matches('"');
    let whole = || {
        let number: f64 = number.parse().ok()?;
        // The text of a whole number that is written without a point or an exponent.
        format!("{:.0}", number.trunc()).parse().ok()
    };
    Ok(number.parse().ok().or_else(whole))
}

/// An amount, be it a number or text.
pub(super) fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let raw: &RawValue = Deserialize::deserialize(deserializer)?;
    let amount = raw.get().trim_matches('"').parse().ok();
    Ok(amount.filter(|amount: &f64| amount.is_finite()))
}

/// Reads what stands in a field; another kind of thing than we know is as good as nothing.
pub(super) fn payload<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    tolerant::read(raw?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Numbers {
        #[serde(default, deserialize_with = "count")]
        count: Option<u64>,
        #[serde(default, deserialize_with = "amount")]
        amount: Option<f64>,
    }

    #[test]
    fn a_number_counts_however_it_is_written() {
        for (json, count, amount) in [
            ("10", Some(10), Some(10.0)),
            (
                "18446744073709551615",
                Some(u64::MAX),
                Some(18_446_744_073_709_551_615.0),
            ),
            ("10.0", Some(10), Some(10.0)),
            ("10.9", Some(10), Some(10.9)),
            ("1e3", Some(1000), Some(1000.0)),
            ("\"10\"", Some(10), Some(10.0)),
            ("\"0.5\"", Some(0), Some(0.5)),
            ("-1", None, Some(-1.0)),
            ("1e999", None, None),
            ("\"NaN\"", None, None),
            ("\"ten\"", None, None),
            ("null", None, None),
            ("[10]", None, None),
        ] {
            let read: Numbers =
                serde_json::from_str(&format!(r#"{{"count":{json},"amount":{json}}}"#)).unwrap();
            assert_eq!((read.count, read.amount), (count, amount), "{json}");
        }
    }
}
