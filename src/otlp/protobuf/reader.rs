//! Fields of a protobuf message, one after the other, without copying.

use thiserror::Error;

/// A violation of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Defect {
    /// A number or a length extends beyond the end of its message.
    #[error("a field ends beyond its message")]
    Truncated,
    /// A number has more than 64 bits.
    #[error("a number is longer than 10 bytes")]
    LongNumber,
    /// A field has the number 0, or one beyond 2²⁹ − 1.
    #[error("a field has an invalid number")]
    FieldNumber,
    /// A field has an invalid type, or is the end of a group that did not begin.
    #[error("a field has an invalid type")]
    WireType,
}

/// A violation of the format, with its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{defect} at byte {offset}")]
pub struct Malformed {
    /// The violation.
    pub defect: Defect,
    /// Offset in the body, in bytes.
    pub offset: u64,
}

/// The content of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field<'a> {
    Number(u64),
    Fixed64(u64),
    Fixed32(u32),
    /// Bytes, a text or a message.
    Message(Reader<'a>),
    /// A group, which the protocol does not use. It is skipped.
    Group,
}

/// The unread fields of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// Offset of the unread part in the body, in bytes.
    offset: usize,
    /// Whether the end of the message may be missing, because only the beginning of a body is read.
    is_cut: bool,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(body: &'a [u8]) -> Self {
        Self {
            rest: body,
            offset: 0,
            is_cut: false,
        }
    }

    /// Reads the beginning of a body. A message that extends beyond it ends with it.
    pub(super) const fn beginning(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            offset: 0,
            is_cut: true,
        }
    }

    /// All unread bytes.
    pub(super) const fn bytes(self) -> &'a [u8] {
        self.rest
    }

    /// Whether reading has reached the place where the body was cut.
    pub(super) const fn is_at_cut(&self) -> bool {
        self.is_cut
    }

    /// The bytes as text. Invalid bytes are replaced.
    pub(super) fn text(self) -> String {
        // Validating is faster than replacing.
        match str::from_utf8(self.rest) {
            Ok(text) => text.to_owned(),
            Err(_) => String::from_utf8_lossy(self.rest).into_owned(),
        }
    }

    /// The next field and its number; `None` at the end of the message.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (number, wire_type) = self.key()?;
        let field = match wire_type {
            0 => Field::Number(self.number()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.number()?);
                self.message(length.map_err(|_| self.broken(Defect::Truncated))?)?
            }
            3 => self.skip_group(number)?,
            5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(self.broken(Defect::WireType)),
        };
        Ok(Some((number, field)))
    }

    const fn broken(&self, defect: Defect) -> Malformed {
        Malformed {
            defect,
            offset: self.offset as u64,
        }
    }

    /// Number and type of the next field.
    #[inline]
    fn key(&mut self) -> Result<(u32, u64), Malformed> {
        const MOST: u64 = (1 << 29) - 1;
        let key = self.number()?;
        match u32::try_from(key >> 3) {
            Ok(number) if number > 0 && key >> 3 <= MOST => Ok((number, key & 7)),
            _ => Err(self.broken(Defect::FieldNumber)),
        }
    }

    #[inline]
    fn number(&mut self) -> Result<u64, Malformed> {
        if let Some((&byte, rest)) = self.rest.split_first()
            && byte < 0x80
        {
            self.rest = rest;
            self.offset += 1;
            return Ok(u64::from(byte));
        }
        self.long_number()
    }

    fn long_number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0_u64;
        for (index, byte) in self.rest.iter().take(10).enumerate() {
            number |= u64::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                // The tenth byte contains only the last of 64 bits.
                if index == 9 && *byte > 1 {
                    break;
                }
                self.take(index + 1)?;
                return Ok(number);
            }
        }
        let is_long = self.rest.len() >= 10;
        Err(self.broken(if is_long {
            Defect::LongNumber
        } else {
            Defect::Truncated
        }))
    }

    #[inline]
    fn message(&mut self, length: usize) -> Result<Field<'a>, Malformed> {
        let offset = self.offset;
        let is_cut = self.is_cut && length > self.rest.len();
        let length = if is_cut { self.rest.len() } else { length };
        Ok(Field::Message(Self {
            rest: self.take(length)?,
            offset,
            is_cut,
        }))
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| self.broken(Defect::Truncated))?;
        self.rest = rest;
        self.offset += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| self.broken(Defect::Truncated))?;
        self.rest = rest;
        self.offset += N;
        Ok(*taken)
    }

    /// Skips a group with its content. Groups in it are counted, not entered, and only the
    /// outermost must have an end with its own number.
    fn skip_group(&mut self, outermost: u32) -> Result<Field<'a>, Malformed> {
        let mut open = 1_u64;
        loop {
            let (number, wire_type) = self.key()?;
            match wire_type {
                0 => drop(self.number()?),
                1 => drop(self.array::<8>()?),
                2 => {
                    let length = usize::try_from(self.number()?);
                    self.take(length.map_err(|_| self.broken(Defect::Truncated))?)?;
                }
                3 => open += 1,
                4 if open == 1 && number == outermost => return Ok(Field::Group),
                4 if open > 1 => open -= 1,
                5 => drop(self.array::<4>()?),
                _ => return Err(self.broken(Defect::WireType)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defect(bytes: &[u8]) -> (Defect, u64) {
        let mut reader = Reader::new(bytes);
        loop {
            match reader.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{bytes:?} is well formed"),
                Err(Malformed { defect, offset }) => return (defect, offset),
            }
        }
    }

    #[test]
    fn what_breaks_the_format_is_named_with_its_place() {
        let cases: [(&[u8], Defect, u64); 10] = [
            (&[0x0a], Defect::Truncated, 1),
            (&[0x0a, 5, 1, 2], Defect::Truncated, 2),
            // A length of almost 2⁶⁴.
            (
                &[
                    0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
                ],
                Defect::Truncated,
                11,
            ),
            (&[0x08, 0x80], Defect::Truncated, 1),
            (
                &[
                    0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
                ],
                Defect::LongNumber,
                1,
            ),
            (&[0x09, 1, 2, 3], Defect::Truncated, 1),
            (&[0x0d, 1, 2, 3], Defect::Truncated, 1),
            (&[0x02, 0], Defect::FieldNumber, 1),
            (&[0x0e], Defect::WireType, 1),
            (&[0x0b, 0x14], Defect::WireType, 2),
        ];
        for (bytes, expected, offset) in cases {
            assert_eq!(defect(bytes), (expected, offset), "{bytes:?}");
        }
    }

    #[test]
    fn a_group_is_skipped_with_everything_in_it() {
        let nested = [
            0x0b, 0x13, 0x08, 1, 0x14, 0x12, 1, 7, 0x0d, 1, 2, 3, 4, 0x0c, 0x10, 9,
        ];
        let mut reader = Reader::new(&nested);
        assert!(matches!(reader.next(), Ok(Some((1, Field::Group)))));
        assert!(matches!(reader.next(), Ok(Some((2, Field::Number(9))))));
        assert!(matches!(reader.next(), Ok(None)));
    }

    #[test]
    fn a_million_open_groups_need_no_stack() {
        assert_eq!(defect(&vec![0x0b; 1 << 20]), (Defect::Truncated, 1 << 20));
    }
}
