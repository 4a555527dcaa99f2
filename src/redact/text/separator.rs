//! Separators between a name and its value.

use super::work;

/// A separator; the value begins at `end`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Separator {
    Equals {
        end: usize,
    },
    Colon {
        end: usize,
    },
    Space {
        end: usize,
    },
    Call {
        end: usize,
    },
    Tag {
        end: usize,
    },
    /// `|| "…"` after the name of a setting that may be missing.
    Default {
        end: usize,
    },
}

/// Backslashes before a quote, at most: JSON within seven texts, of which each doubles the
/// backslashes within it and adds one.
pub(crate) const ESCAPES: usize = (1 << 7) - 1;

/// Bytes that close a name or a value, at most: quotes, their escapes, brackets.
pub(crate) const CLOSED: usize = ESCAPES + 9;

/// The text between a property of C# and its first value.
const PROPERTY: &[u8] = b"{ get; set; } = ";

impl Separator {
    pub(crate) const fn end(self) -> usize {
        match self {
            Self::Equals { end }
            | Self::Colon { end }
            | Self::Space { end }
            | Self::Call { end }
            | Self::Tag { end }
            | Self::Default { end } => end,
        }
    }

    pub(crate) fn after(text: &[u8], name_end: usize) -> Option<Self> {
        // `password[] = …`, `api_key[33] = …`
        let mut at = past_index(text, name_end).unwrap_or(name_end);
        // `getPassword() => …`
        if text[name_end..].starts_with(b"() => ") {
            return Some(Self::Equals { end: name_end + 6 });
        }
        // Closing quotes of any escaping, an index bracket, markdown emphasis.
        at += count(text, at, CLOSED, |byte| {
            matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b']' | b'*')
        });
        let closed = at > name_end;
        let spaces = blanks(text, at, 64);
        let after_spaces = at + spaces;
        let rest = &text[after_spaces..];
        let skip = |length: usize| {
            let at = after_spaces + length;
            at + count(text, at, 16, |byte| matches!(byte, b' ' | b'\t' | b'*'))
        };
        match rest {
            [b':', b':', b':', b'=', ..] => Some(Self::Equals { end: skip(4) }),
            [b':', b':', b'=', ..] | [b'?' | b'|', b'?' | b'|', b'=', ..] => {
                Some(Self::Equals { end: skip(3) })
            }
            // LDIF has two before base64.
            [b':', b':', b' ', ..] => Some(Self::Colon { end: skip(2) }),
            [b':', b':', ..] => None,
            [b':' | b'!' | b'?' | b'.' | b'+', b'=', ..] | [b'=', b'>', ..] | [b'<', b'-', ..] => {
                Some(Self::Equals {
                    end: skip(2 + count(rest, 2, 1, |byte| byte == b'=')),
                })
            }
            [b'=', ..] => Some(Self::Equals {
                end: skip(count(rest, 0, 3, |byte| byte == b'=')),
            }),
            // A declaration with the type left out.
            [b':', b' ', b'=', b' ', ..] => Some(Self::Equals { end: skip(3) }),
            [b':', ..] => Some(Self::Colon {
                end: past_tag(text, skip(1)),
            }),
            [b',', ..] if closed || in_tuple(text, name_end) => Some(Self::Call { end: skip(1) }),
            [b'{', ..] if spaces == 1 && rest.starts_with(PROPERTY) => Some(Self::Equals {
                end: skip(PROPERTY.len()),
            }),
            [b'i', b's', b' ', b'"' | b'\'' | b'`', ..] if spaces == 1 => {
                Some(Self::Equals { end: skip(3) })
            }
            [b'(' | b'{', ..] if !closed && spaces == 0 => Some(Self::Call { end: skip(1) }),
            [b'>', ..] if !closed && spaces == 0 => Some(Self::Tag { end: skip(1) }),
            _ if closed && spaces > 0 && rest.starts_with(b"value=") => {
                Some(Self::Equals { end: skip(6) })
            }
            [b')' | b'|' | b'?' | b'o', ..] if let Some(end) = default(text, at, after_spaces) => {
                Some(Self::Default { end })
            }
            [_, ..] if spaces > 0 && !closed => Some(Self::Space { end: after_spaces }),
            _ => None,
        }
    }
}

/// The position of the bracket that closes an index.
fn past_index(text: &[u8], at: usize) -> Option<usize> {
    let opened = text.get(at) == Some(&b'[');
    let index = opened.then_some(at + 1)?;
    let closing = index + count(text, index, 8, |byte| byte.is_ascii_alphanumeric());
    (text.get(closing) == Some(&b']')).then_some(closing)
}

/// The position after the tag of a YAML value: `!!str …`.
fn past_tag(text: &[u8], at: usize) -> usize {
    let tag = [&b"!!str "[..], b"!!binary ", b"!Sub "]
        .into_iter()
        .find(|it| text[at.min(text.len())..].starts_with(it));
    at + tag.map_or(0, <[u8]>::len)
}

/// The position of the literal that replaces a missing value: `x || "…"`, `getenv("X") or "…"`.
///
/// `'token' or 'key'` is prose: a name in quotes has a default only inside brackets.
fn default(text: &[u8], name: usize, from: usize) -> Option<usize> {
    let quoted = matches!(text[name - 1], b'"' | b'\'' | b'`');
    if quoted && text.get(from) != Some(&b')') {
        return None;
    }
    let closing = from + count(text, from, 2, |byte| byte == b')');
    let at = closing + blanks(text, closing, 4);
    let operators = [
        &b"||"[..],
        b"??",
        b"?:",
        b"or ",
        b".orElse(",
        b".or(",
        b".unwrap_or(",
        b".unwrap_or_else(|_| ",
        b".getOrElse(",
        b".getOrDefault(",
    ];
    let operator = operators.iter().find(|it| text[at..].starts_with(it))?;
    let end = at + operator.len();
    let value = end + blanks(text, end, 4);
    matches!(text.get(value), Some(b'"' | b'\'')).then_some(value)
}

/// Whether the name is the first item of an Erlang tuple: `{password, "…"}`.
fn in_tuple(text: &[u8], name_end: usize) -> bool {
    let name = text[..name_end]
        .iter()
        .rev()
        .take(64)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count();
    text[..name_end - name].ends_with(b"{")
}

/// Number of spaces and tabs from `from` on, at most `most`.
pub(crate) fn blanks(text: &[u8], from: usize, most: usize) -> usize {
    count(text, from, most, |byte| matches!(byte, b' ' | b'\t'))
}

/// Number of backslashes at a place, at most [`ESCAPES`].
pub(crate) fn escapes_at(text: &[u8], from: usize) -> usize {
    count(text, from, ESCAPES, |byte| byte == b'\\')
}

/// Number of consecutive bytes from `from` on that are `wanted`, at most `most`.
pub(crate) fn count(text: &[u8], from: usize, most: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let length = text[from.min(text.len())..]
        .iter()
        .take(most)
        .take_while(|byte| wanted(**byte))
        .count();
    work::add(length + 1);
    length
}
