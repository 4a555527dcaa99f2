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

/// Reads what stands in a field; another kind of thing than we know is as good as nothing.
pub(super) fn payload<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    tolerant::read(raw?)
}
