//! Numbers, texts, times and ids, in every spelling that emitters use.

use serde::de::{MapAccess, SeqAccess};

use super::take::{Name, Seed, Take};
use crate::otlp::ids::Given;
use crate::otlp::intake::Intake;

/// A text. Numbers and truth values are read as their spelling.
pub(super) struct Text<'i>(pub(super) &'i mut Intake);

impl Take<'_> for Text<'_> {
    type Output = String;

    fn other(self) -> String {
        self.0.unreadable_field();
        String::new()
    }

    fn null(self) -> String {
        String::new()
    }

    fn boolean(self, value: bool) -> String {
        value.to_string()
    }

    fn signed(self, value: i64) -> String {
        value.to_string()
    }

    fn unsigned(self, value: u64) -> String {
        value.to_string()
    }

    fn double(self, value: f64) -> String {
        value.to_string()
    }

    fn text(self, value: &str) -> String {
        value.to_owned()
    }
}

/// An id.
pub(super) struct IdTake<'i, const N: usize>(pub(super) &'i mut Intake);

impl<const N: usize> Take<'_> for IdTake<'_, N> {
    type Output = Given<N>;

    fn other(self) -> Given<N> {
        self.0.unreadable_field();
        Given::Missing
    }

    fn null(self) -> Given<N> {
        Given::Missing
    }

    fn signed(self, value: i64) -> Given<N> {
        Given::from_text(&value.to_string())
    }

    fn text(self, value: &str) -> Given<N> {
        Given::from_text(value)
    }
}

/// A whole number, or its digits as text.
pub(super) struct Whole<'i>(pub(super) &'i mut Intake);

impl Take<'_> for Whole<'_> {
    type Output = u64;

    fn other(self) -> u64 {
        self.0.unreadable_field();
        0
    }

    fn null(self) -> u64 {
        0
    }

    fn signed(self, value: i64) -> u64 {
        u64::try_from(value).unwrap_or_else(|_| self.other())
    }

    fn unsigned(self, value: u64) -> u64 {
        value
    }

    fn double(self, value: f64) -> u64 {
        whole(value).unwrap_or_else(|| self.other())
    }

    fn text(self, value: &str) -> u64 {
        match value.parse() {
            Ok(value) => value,
            Err(_) if value.is_empty() => 0,
            Err(_) => self.other(),
        }
    }
}

/// A whole number that was written with a fraction or an exponent.
fn whole(value: f64) -> Option<u64> {
    const END: f64 = 18_446_744_073_709_551_616.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is in the range of the type, and a fraction of a nanosecond is no loss"
    )]
    (0.0..END).contains(&value).then_some(value as u64)
}

/// A whole number of 32 bits. A larger one counts as missing.
pub(super) struct Small<'i>(pub(super) &'i mut Intake);

impl Take<'_> for Small<'_> {
    type Output = u32;

    fn other(self) -> u32 {
        self.0.unreadable_field();
        0
    }

    fn null(self) -> u32 {
        0
    }

    fn signed(self, value: i64) -> u32 {
        u32::try_from(value).unwrap_or_else(|_| self.other())
    }

    fn text(self, value: &str) -> u32 {
        value.parse().unwrap_or_else(|_| self.other())
    }
}

/// A time in nanoseconds, and whether it was a pair of seconds and nanoseconds, as in the
/// JavaScript SDK.
pub(super) struct Time<'i>(pub(super) &'i mut Intake);

impl<'de> Take<'de> for Time<'_> {
    type Output = (u64, bool);

    fn other(self) -> (u64, bool) {
        (Whole(self.0).other(), false)
    }

    fn null(self) -> (u64, bool) {
        (0, false)
    }

    fn signed(self, value: i64) -> (u64, bool) {
        (Whole(self.0).signed(value), false)
    }

    fn unsigned(self, value: u64) -> (u64, bool) {
        (value, false)
    }

    fn double(self, value: f64) -> (u64, bool) {
        (Whole(self.0).double(value), false)
    }

    fn text(self, value: &str) -> (u64, bool) {
        (Whole(self.0).text(value), false)
    }

    fn list<A: SeqAccess<'de>>(self, mut items: A) -> Result<(u64, bool), A::Error> {
        let mut parts = [0; 2];
        let mut count = 0;
        while let Some(part) = items.next_element_seed(Seed(Whole(self.0)))? {
            if let Some(place) = parts.get_mut(count) {
                *place = part;
            }
            count += 1;
        }
        let [seconds, nanoseconds] = parts;
        let time = seconds.checked_mul(1_000_000_000);
        let time = time.and_then(|time| time.checked_add(nanoseconds));
        Ok(match time {
            Some(time) if count == 2 => (time, true),
            _ => self.other(),
        })
    }
}

/// One of the names of an enumeration, by its number or its name.
pub(super) struct Enumerated<'i> {
    pub(super) intake: &'i mut Intake,
    /// Prefix of the names in the protocol.
    pub(super) prefix: &'static str,
    /// The names without the prefix, in the order of their numbers.
    pub(super) names: &'static [&'static str],
}

impl Take<'_> for Enumerated<'_> {
    type Output = i32;

    fn other(self) -> i32 {
        self.intake.unreadable_field();
        0
    }

    fn null(self) -> i32 {
        0
    }

    fn signed(self, value: i64) -> i32 {
        i32::try_from(value).unwrap_or_else(|_| self.other())
    }

    fn text(self, value: &str) -> i32 {
        if let Ok(number) = value.parse() {
            return number;
        }
        let name = value.strip_prefix(self.prefix).unwrap_or(value);
        let place = self
            .names
            .iter()
            .position(|it| it.eq_ignore_ascii_case(name));
        let number = place.and_then(|place| i32::try_from(place).ok());
        number.unwrap_or_else(|| self.other())
    }
}

/// The number of bytes in a base64 text or in a list.
pub(super) struct ByteCount<'i>(pub(super) &'i mut Intake);

impl<'de> Take<'de> for ByteCount<'_> {
    type Output = u64;

    fn other(self) -> u64 {
        self.0.unreadable_field();
        0
    }

    fn null(self) -> u64 {
        0
    }

    fn text(self, value: &str) -> u64 {
        let digits = value.trim_end_matches('=').len() as u64;
        digits * 3 / 4
    }

    fn list<A: SeqAccess<'de>>(self, mut items: A) -> Result<u64, A::Error> {
        let mut count = 0;
        while items.next_element::<serde::de::IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

/// Skips the value of an unused field, without an allocation and whatever its depth.
pub(super) fn skip<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<(), A::Error> {
    fields.next_value::<serde::de::IgnoredAny>().map(drop)
}

/// Name of the next field of an object.
pub(super) fn next_name<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Name>, A::Error> {
    fields.next_key_seed(Name::SEED)
}
