//! Images, documents and vectors in content: their size is kept, never their bytes.

use serde_json::{Map, Value as Json};

use crate::session::Block;

/// Longest text that may be base64 without being data: hashes and ids are shorter.
const LONGEST_WORD: usize = 256;

/// Numbers in a list of nothing else, from which on it is a vector or the bytes of a file.
const VECTOR: usize = 32;

/// Levels of values that are looked through; deeper ones are left out.
const DEEPEST: usize = 64;

/// Names of parts that are media, by dialect.
const KINDS: [&str; 17] = [
    "image",
    "image_url",
    "input_image",
    "image-data",
    "image-url",
    "file",
    "input_file",
    "file-data",
    "file-url",
    "document",
    "audio",
    "input_audio",
    "video",
    "media",
    "blob",
    "uri",
    "binary",
];

/// Fields that hold the data or the address of a medium.
const PLACES: [&str; 16] = [
    "data",
    "content",
    "image",
    "image_url",
    "url",
    "uri",
    "file",
    "file_data",
    "file_id",
    "source",
    "base64",
    "bytes",
    "audio",
    "input_audio",
    "inlineData",
    "inline_data",
];

/// Fields that say which type of medium it is.
const TYPES: [&str; 6] = [
    "mediaType",
    "media_type",
    "mimeType",
    "mime_type",
    "contentType",
    "format",
];

/// The part as a medium, if it is one.
pub(super) fn of_part(fields: &Map<String, Json>) -> Option<Block> {
    let kind = fields.get("type").and_then(Json::as_str);
    let inline = ["inlineData", "inline_data", "fileData", "file_data"];
    let is_inline = kind.is_none() && inline.iter().any(|name| fields.contains_key(*name));
    let kind = match kind {
        Some(kind) if KINDS.contains(&kind) => kind,
        None if is_inline => "file",
        _ => return None,
    };
    let whole = Json::Object(fields.clone());
    let media_type = media_type(&whole, 0).or_else(|| type_in_url(&whole, 0));
    let is_image = kind.contains("image")
        || media_type
            .as_deref()
            .is_some_and(|it| it.starts_with("image"));
    let kind = if is_image { "image" } else { "document" };
    let bytes = bytes_in(&whole, 0);
    if bytes == 0 {
        // It is elsewhere, or was taken out before it was sent.
        let media_type = media_type.unwrap_or_default();
        return Some(Block::Text(
            format!("[{kind} {media_type}]").replace(" ]", "]"),
        ));
    }
    Some(Block::Media {
        kind: kind.to_owned(),
        media_type,
        bytes,
    })
}

fn media_type(value: &Json, depth: usize) -> Option<String> {
    let fields = value.as_object().filter(|_| depth < 4)?;
    let mut named = TYPES.iter().filter_map(|name| fields.get(*name)?.as_str());
    let named = named.find(|it| !it.is_empty()).map(str::to_owned);
    named.or_else(|| {
        let mut places = PLACES.iter().filter_map(|name| fields.get(*name));
        places.find_map(|place| media_type(place, depth + 1))
    })
}

fn type_in_url(value: &Json, depth: usize) -> Option<String> {
    match value {
        Json::String(text) => {
            let (kind, _) = text.strip_prefix("data:")?.split_once([';', ','])?;
            Some(kind.to_owned()).filter(|kind| !kind.is_empty())
        }
        Json::Object(fields) if depth < 4 => {
            let mut places = PLACES.iter().filter_map(|name| fields.get(*name));
            places.find_map(|place| type_in_url(place, depth + 1))
        }
        _ => None,
    }
}

/// Bytes of the data in a part; 0 if it is elsewhere.
fn bytes_in(value: &Json, depth: usize) -> u64 {
    match value {
        Json::String(text) => decoded_length(text).unwrap_or(0),
        Json::Array(items) => items.len() as u64,
        Json::Object(fields) if depth < 4 => {
            let places = PLACES.iter().filter_map(|name| fields.get(*name));
            let sizes = places.map(|place| bytes_in(place, depth + 1));
            sizes.max().unwrap_or(0)
        }
        _ => 0,
    }
}

/// Bytes that a text encodes; `None` for a text that is no base64.
fn decoded_length(text: &str) -> Option<u64> {
    let data = match text.strip_prefix("data:") {
        Some(rest) => rest.split_once(',')?.1,
        None => text,
    };
    let digits = data.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_\r\n".contains(&byte);
    let is_data = !digits.is_empty() && digits.bytes().all(is_digit);
    is_data.then(|| digits.len() as u64 * 3 / 4)
}

/// Whether a text is encoded data rather than something to read.
fn is_data(text: &str) -> bool {
    if text.starts_with("data:") && text.contains(";base64,") {
        return true;
    }
    // Long runs of one letter are text of a kind: encoded data has many different characters.
    let has_many = || {
        let mut seen = [false; 256];
        text.bytes()
            .take(512)
            .for_each(|byte| seen[usize::from(byte)] = true);
        seen.iter().filter(|seen| **seen).count() >= 20
    };
    text.len() > LONGEST_WORD && decoded_length(text).is_some() && has_many()
}

fn note(bytes: u64, what: &str) -> Json {
    Json::String(format!("[{what}, {bytes} bytes]"))
}

/// Replaces data and vectors anywhere in a value by notes with their sizes.
pub(in crate::sources::otlp) fn without_data(value: Json) -> Json {
    without(value, 0)
}

fn without(value: Json, depth: usize) -> Json {
    if depth > DEEPEST {
        return Json::Null;
    }
    match value {
        Json::String(text) if is_data(&text) => note(decoded_length(&text).unwrap_or(0), "data"),
        Json::Array(items) if is_vector(&items) => {
            Json::String(format!("[{} numbers]", items.len()))
        }
        Json::Array(items) => {
            let items = items.into_iter();
            items.map(|item| without(item, depth + 1)).collect()
        }
        Json::Object(fields) => {
            if let Some(bytes) = buffer(&fields) {
                return note(bytes, "data");
            }
            let fields = fields.into_iter();
            let fields = fields.map(|(name, field)| (name, without(field, depth + 1)));
            Json::Object(fields.collect())
        }
        other => other,
    }
}

/// Bytes of a buffer, as JavaScript writes one.
fn buffer(fields: &Map<String, Json>) -> Option<u64> {
    let is_buffer = fields.get("type").and_then(Json::as_str) == Some("Buffer");
    let data = fields.get("data").filter(|_| is_buffer)?.as_array()?;
    Some(data.len() as u64)
}

fn is_vector(items: &[Json]) -> bool {
    items.len() >= VECTOR && items.iter().all(Json::is_number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_medium_its_type_and_size_are_kept() {
        for (part, expected) in [
            (
                json!({"type": "file", "mediaType": "image/png", "data": "iVBORw0KGgo="}),
                "image image/png 8",
            ),
            (
                json!({"type": "image_url", "image_url": {"url": "data:image/gif;base64,AAAA"}}),
                "image image/gif 3",
            ),
            (
                json!({"type": "image", "image": {"type": "Buffer", "data": [1, 2, 3]}}),
                "image ? 3",
            ),
            (
                json!({"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AAAA"}),
                "image image/png 3",
            ),
            (
                json!({"inlineData": {"mimeType": "application/pdf", "data": "AAAAAAAA"}}),
                "document application/pdf 6",
            ),
        ] {
            let fields = part.as_object().cloned().unwrap_or_default();
            let Some(Block::Media {
                kind,
                media_type,
                bytes,
            }) = of_part(&fields)
            else {
                panic!("{part} is a medium");
            };
            let found = format!("{kind} {} {bytes}", media_type.as_deref().unwrap_or("?"));
            assert_eq!(found, expected, "{part}");
        }
    }

    #[test]
    fn a_medium_that_is_elsewhere_has_no_size() {
        let part = json!({"type": "file", "mediaType": "image/png", "data": "[base64 image/png redacted]"});
        let block = of_part(part.as_object().unwrap());
        assert!(matches!(block, Some(Block::Text(text)) if text == "[image image/png]"));
    }

    #[test]
    fn data_and_vectors_leave_no_bytes() {
        let image: String = (0..600)
            .map(|it| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ+/"[it * 5 % 28]))
            .collect();
        let value = json!({
            "photo": image,
            "url": "data:image/png;base64,AAAA",
            "buffer": {"type": "Buffer", "data": [137, 80, 78, 71]},
            "vector": vec![0.5; 40],
            "text": "kept",
            "row": [1, 2, 3],
            "dashes": "-".repeat(1000),
        });
        let kept = without_data(value);
        assert_eq!(kept["photo"], "[data, 450 bytes]");
        assert_eq!(kept["url"], "[data, 3 bytes]");
        assert_eq!(kept["buffer"], "[data, 4 bytes]");
        assert_eq!(kept["vector"], "[40 numbers]");
        assert_eq!(kept["text"], "kept");
        assert_eq!(kept["row"], json!([1, 2, 3]));
        assert_eq!(kept["dashes"], "-".repeat(1000));
    }
}
