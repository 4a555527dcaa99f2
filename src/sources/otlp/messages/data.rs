//! Encoded data and vectors anywhere in content, which are replaced by notes with their sizes.

use std::sync::LazyLock;

use regex::{Captures, Regex, RegexBuilder};
use serde_json::{Map, Value as Json};

use crate::sources::otlp::lenient;

/// Characters of the longest word that may be base64 and is not data: hashes and ids are shorter.
const LONGEST_WORD: usize = 256;

/// Number of different characters in base64 of this length; words joined by dashes have fewer.
const BASE64_CHARACTERS: usize = 20;

/// Number of different characters in hexadecimal data of this length.
const HEX_CHARACTERS: usize = 8;

/// Length from which on a list of numbers alone is a vector or the bytes of a file.
const VECTOR: usize = 32;

/// Levels of nested values to search, including JSON in texts. Deeper values are omitted.
const DEEPEST: usize = 64;

/// Bytes of the shortest text that can contain data or a vector.
const SHORTEST: usize = 22;

/// Data in a text, by its beginning. Quotes may be escaped, since a text may contain JSON, and the
/// text may be cut off anywhere.
static DATA: LazyLock<Regex> = LazyLock::new(|| {
    let number = r"-?[0-9][0-9.eE+-]*";
    // Base64 in several lines ends with a shorter one.
    let lines = r"(?:(?:\\r|\\n|\r|\n){1,2}[A-Za-z0-9+/_-]{60,})*";
    let last = r"(?:(?:\\r|\\n|\r|\n){1,2}(?:[A-Za-z0-9+/_-]{4})+)?[A-Za-z0-9+/_-]{0,3}={0,2}";
    let pattern = [
        // A data URL.
        &format!(
            r"data:[A-Za-z0-9.+/-]*[A-Za-z0-9=;.+_-]*;base64,(?<url>[A-Za-z0-9+/_-]*{lines}{last})"
        ),
        // A list of numbers.
        &format!(r"\[(?<list>\s*{number}(?:\s*,\s*{number}){{31,}})\s*\]?"),
        // An array of bytes as JavaScript writes it: an object whose names are the positions.
        r#"\{(?<bytes>\s*\\*"0\\*"\s*:\s*[0-9]+(?:\s*,\s*\\*"[0-9]+\\*"\s*:\s*[0-9]+){31,})\s*\}?"#,
        &format!(r"(?<word>[A-Za-z0-9+/_-]{{60,}}{lines}{last})"),
    ]
    .join("|");
    // Unicode's tables are not compiled into the program.
    let mut regex = RegexBuilder::new(&pattern);
    regex.unicode(false);
    regex.build().expect("the pattern is valid")
});

/// Replaces data and vectors anywhere in a value with notes of their sizes.
pub(in crate::sources::otlp) fn without_data(mut value: Json) -> Json {
    clean(&mut value, 0);
    value
}

/// Replaces data in a value, and returns whether there was any.
fn clean(value: &mut Json, depth: usize) -> bool {
    if depth > DEEPEST {
        *value = Json::Null;
        return true;
    }
    let instead = match value {
        Json::String(text) => clean_text(text, depth),
        Json::Array(items) if is_vector(items) => Some(numbers(items.len())),
        Json::Array(items) => return clean_all(items.iter_mut(), depth),
        Json::Object(fields) => match buffer(fields) {
            Some(bytes) => Some(note(bytes)),
            None => return clean_all(fields.values_mut(), depth),
        },
        Json::Null | Json::Bool(_) | Json::Number(_) => None,
    };
    let is_replaced = instead.is_some();
    if let Some(text) = instead {
        *value = Json::String(text);
    }
    is_replaced
}

fn clean_all<'a>(values: impl Iterator<Item = &'a mut Json>, depth: usize) -> bool {
    let mut is_replaced = false;
    for value in values {
        is_replaced |= clean(value, depth + 1);
    }
    is_replaced
}

/// The text without data; `None` if it has none.
fn clean_text(text: &str, depth: usize) -> Option<String> {
    if text.len() < SHORTEST {
        return None;
    }
    if text.trim_start().starts_with(['{', '[']) {
        let strict: Option<Json> = serde_json::from_str(text).ok();
        let is_strict = strict.is_some();
        if let Some(mut value) = strict.or_else(|| lenient::read(text)) {
            let is_replaced = clean(&mut value, depth + 1);
            if is_replaced || is_strict {
                return is_replaced.then(|| match value {
                    Json::String(note) => note,
                    other => other.to_string(),
                });
            }
        }
    }
    let mut is_replaced = false;
    let cleaned = DATA.replace_all(text, |found: &Captures<'_>| {
        let instead = instead_of(found);
        is_replaced |= instead.is_some();
        instead.unwrap_or_else(|| found[0].to_owned())
    });
    is_replaced.then(|| cleaned.into_owned())
}

/// The note that replaces data in a text.
fn instead_of(found: &Captures<'_>) -> Option<String> {
    if let Some(data) = found.name("url") {
        return Some(note(bytes_of_base64(data.as_str())));
    }
    if let Some(list) = found.name("list") {
        return Some(numbers(list.as_str().split(',').count()));
    }
    if let Some(list) = found.name("bytes") {
        return Some(note(list.as_str().split(',').count() as u64));
    }
    let word = found.name("word")?.as_str();
    is_encoded(word).then(|| note(bytes_of_base64(word)))
}

/// Whether a word is encoded data. Long runs of one letter, paths and words joined by dashes are text.
fn is_encoded(word: &str) -> bool {
    if word.len() <= LONGEST_WORD {
        return false;
    }
    let mut seen = [false; 128];
    for byte in word.bytes().take(2 * LONGEST_WORD) {
        seen[usize::from(byte & 0x7f)] = true;
    }
    let has =
        |range: std::ops::RangeInclusive<u8>| range.into_iter().any(|it| seen[usize::from(it)]);
    let different = seen.iter().filter(|seen| **seen).count();
    let is_hex = word.bytes().all(|it| it.is_ascii_hexdigit());
    let is_base64 = has(b'a'..=b'z') && has(b'A'..=b'Z') && different >= BASE64_CHARACTERS;
    is_base64 || is_hex && different >= HEX_CHARACTERS
}

/// Approximate number of bytes that a base64 text encodes.
pub(super) fn bytes_of_base64(text: &str) -> u64 {
    let digits = text.bytes().filter(|it| !b"=\r\n\\".contains(it)).count();
    // Escaped line ends add letters that encode nothing.
    let letters = text.bytes().filter(|it| *it == b'\\').count();
    (digits - letters) as u64 * 3 / 4
}

fn note(bytes: u64) -> String {
    format!("[data, {bytes} bytes]")
}

fn numbers(count: usize) -> String {
    format!("[{count} numbers]")
}

/// Number of bytes in a buffer as JavaScript writes it.
fn buffer(fields: &Map<String, Json>) -> Option<u64> {
    let is_buffer = fields.get("type").and_then(Json::as_str) == Some("Buffer");
    if let Some(Json::Array(data)) = fields.get("data").filter(|_| is_buffer) {
        return Some(data.len() as u64);
    }
    let is_list = || {
        let mut fields = fields.iter();
        fields.all(|(name, value)| value.is_u64() && name.bytes().all(|it| it.is_ascii_digit()))
    };
    (fields.len() >= VECTOR && is_list()).then_some(fields.len() as u64)
}

/// Whether a list consists of numbers. JSON has no digits for some, which are null.
fn is_vector(items: &[Json]) -> bool {
    let is_number = |it: &Json| it.is_number() || it.is_null();
    items.len() >= VECTOR && items.iter().all(is_number) && items.iter().any(Json::is_number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Random bytes in base64.
    fn base64(length: usize) -> String {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let digits = (0..length).map(|it| char::from(alphabet[it * it % 61 + it % 3]));
        digits.collect()
    }

    #[test]
    fn data_and_vectors_leave_no_bytes() {
        let bytes: Map<String, Json> = (0..40).map(|it| (it.to_string(), it.into())).collect();
        let value = json!({
            "photo": base64(600),
            "url": "data:image/png;base64,AAAA",
            "buffer": {"type": "Buffer", "data": [137, 80, 78, 71]},
            "bytes": bytes,
            "vector": vec![0.5; 40],
            "unknown": (0..40).map(|it| if it == 7 { Json::Null } else { it.into() }).collect::<Json>(),
            "python": format!("{{\"a\": NaN, \"v\": [{}]}}", ["0.5"; 40].join(", ")),
            "inner": json!({"deep": [vec![0.5; 40]]}).to_string(),
            "text": "kept",
            "row": [1, 2, 3],
            "dashes": "-".repeat(1000),
        });
        let kept = without_data(value);
        assert_eq!(
            kept,
            json!({
                "photo": "[data, 450 bytes]",
                "url": "[data, 3 bytes]",
                "buffer": "[data, 4 bytes]",
                "bytes": "[data, 40 bytes]",
                "vector": "[40 numbers]",
                "unknown": "[40 numbers]",
                "python": r#"{"a":null,"v":"[40 numbers]"}"#,
                "inner": r#"{"deep":["[40 numbers]"]}"#,
                "text": "kept",
                "row": [1, 2, 3],
                "dashes": "-".repeat(1000),
            })
        );
    }

    #[test]
    fn data_within_a_text_leaves_the_rest_of_it() {
        let data = base64(600);
        let lines: Vec<&str> = data
            .as_bytes()
            .chunks(76)
            .map(|it| std::str::from_utf8(it).unwrap())
            .collect();
        let vector = "0.25, ".repeat(50);
        let escaped = (1..50).fold(r#"{\"0\":7"#.to_owned(), |all, it| {
            format!(r#"{all},\"{it}\":9"#)
        });
        for (text, expected) in [
            (format!("see {data} there"), "see [data, 450 bytes] there"),
            (
                format!("![x](data:image/png;base64,{data})"),
                "![x]([data, 450 bytes])",
            ),
            (
                format!(
                    "<img src=\"data:image/png;charset=utf-8;base64,{}\">",
                    &data[..40]
                ),
                "<img src=\"[data, 30 bytes]\">",
            ),
            (
                format!("file:\n{}\nend", lines.join("\n")),
                "file:\n[data, 450 bytes]\nend",
            ),
            (
                format!("cut \\\"{}", lines.join("\\n")),
                "cut \\\"[data, 450 bytes]",
            ),
            (
                format!("vector [{vector}0.5] of it"),
                "vector [51 numbers] of it",
            ),
            (
                format!("{{\"values\": [{vector}0."),
                "{\"values\": [51 numbers]",
            ),
            (format!("cut {escaped}"), "cut [data, 50 bytes]"),
            (
                "ab".repeat(100) + &"c0ffee12".repeat(40),
                "[data, 390 bytes]",
            ),
        ] {
            assert_eq!(clean_text(&text, 0).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_can_be_read_stays() {
        let path = "/srv/app/node_modules/package-with-a-name".repeat(12);
        for text in [
            "a short text",
            "1,2,3\n4,5,6\n".repeat(40).as_str(),
            "[1, 2, 3]",
            &base64(200),
            &"word-".repeat(100),
            &path,
            r#"{"a": [1, 2], "b": "text"}"#,
            "data: none;base64, they say",
        ] {
            assert_eq!(clean_text(text, 0), None, "{text}");
        }
    }
}
