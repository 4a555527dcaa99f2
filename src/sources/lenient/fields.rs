//! Readers for fields that may contain a value of any type.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;

use super::kinds::Text;
use super::patient::read;

/// Reads a field of any type that has a reader; `None` when that refuses the value.
pub(in crate::sources) fn optional<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let raw: &RawValue = Deserialize::deserialize(deserializer)?;
    Ok(read(raw))
}

/// Reads a string, or a positive number as its digits.
pub(in crate::sources) fn text_or_number<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Text<'a>>, D::Error> {
    let raw: &RawValue = Deserialize::deserialize(deserializer)?;
    let raw = raw.get();
    if raw.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(Some(Text(Cow::Borrowed(raw))));
    }
    Ok(serde_json::from_str(raw).ok())
}

/// Reads a field that was kept raw; `None` when it is missing, or its reader refuses the value.
pub(in crate::sources) fn payload<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    read(raw?)
}

/// Reads the items of an array, without those that their reader refuses.
pub(in crate::sources) fn items<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Vec<T> {
    let items: Vec<&RawValue> = payload(raw).unwrap_or_default();
    items.into_iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::lenient::{known, object};

    #[derive(Deserialize)]
    struct Numbers {
        #[serde(default, deserialize_with = "known")]
        count: Option<u64>,
        #[serde(default, deserialize_with = "known")]
        amount: Option<f64>,
    }

    #[test]
    fn a_number_counts_however_it_is_written() {
        for (json, count, amount) in [
            ("10", Some(10), Some(10.0)),
            ("1000000000001", None, Some(1_000_000_000_001.0)),
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
            ("{\"ten\":10}", None, None),
        ] {
            let json = format!(r#"{{"count":{json},"amount":{json}}}"#);
            let raw: &RawValue = serde_json::from_str(&json).unwrap();
            let numbers: Numbers = read(raw).unwrap();
            assert_eq!((numbers.count, numbers.amount), (count, amount), "{json}");
        }
    }

    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow, default, deserialize_with = "known")]
        text: Option<Text<'a>>,
        #[serde(default, deserialize_with = "known")]
        flag: Option<bool>,
        #[serde(default, deserialize_with = "object")]
        numbers: Option<Numbers>,
        #[serde(default, deserialize_with = "optional")]
        list: Option<Vec<u8>>,
    }

    #[test]
    fn a_value_of_an_unexpected_type_counts_as_missing_and_the_others_are_read() {
        let expected = r#"{"text":"a","flag":true,"numbers":{"count":1},"list":[1]}"#;
        let swapped = r#"{"text":[true],"flag":"a","numbers":[1],"list":{"count":1}}"#;
        for (json, is_known) in [(expected, true), (swapped, false)] {
            let line: Line<'_> = serde_json::from_str(json).unwrap();
            let is_read = [
                line.text.is_some_and(|text| text.as_str() == "a"),
                line.flag == Some(true),
                line.numbers.is_some_and(|it| it.count == Some(1)),
                line.list == Some(vec![1]),
            ];
            assert_eq!(is_read, [is_known; 4], "{json}");
        }
    }
}
