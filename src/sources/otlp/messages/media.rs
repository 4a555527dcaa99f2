//! Parts of messages that are images or documents: type and size are kept, never the bytes.

use serde_json::{Map, Value as Json};

use super::data::bytes_of_base64;
use crate::session::Block;

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

/// Fields with the data or the address of a medium.
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

/// Fields with the type of a medium.
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
        // The data are elsewhere, or were removed before sending.
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

/// Number of bytes in a part; 0 if they are elsewhere.
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

/// Number of bytes that a text encodes; `None` if it is not base64.
fn decoded_length(text: &str) -> Option<u64> {
    let data = match text.strip_prefix("data:") {
        Some(rest) => rest.split_once(',')?.1,
        None => text,
    };
    let digits = data.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_\r\n".contains(&byte);
    let is_data = !digits.is_empty() && digits.bytes().all(is_digit);
    is_data.then(|| bytes_of_base64(digits))
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
}
