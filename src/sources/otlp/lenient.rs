//! Reader for JSON that strict readers refuse and that emitters write all the same.
//!
//! JavaScript cuts a text within a character and writes half of it (`\ud83d`), Python writes `NaN`
//! and numbers that are too large, some do not escape control characters, and an exporter with a
//! length limit cuts off the end. Everything else that is no JSON is a text.

use serde_json::{Map, Value as Json};

/// Mark in place of the part that a length limit cut off.
pub(super) const CUT_OFF: &str = "[cut off]";

/// Levels of nested values to read. Deeper values are omitted, as in the events.
const DEEPEST: usize = 100;

/// Bytes of the shortest text that a length limit may have cut. Shorter ones were written that way.
const SHORTEST_CUT: usize = 64;

/// Names of fields whose texts remain true without their end.
const PROSE: [&str; 16] = [
    "text",
    "content",
    "value",
    "thinking",
    "reasoning",
    "arguments",
    "args",
    "input",
    "output",
    "response",
    "result",
    "completion",
    "prompt",
    "system",
    "message",
    "summary",
];

/// Parses a text that is JSON with one of these defects; `None` for any other text.
pub(super) fn read(text: &str) -> Option<Json> {
    let mut reader = Reader {
        text,
        at: 0,
        is_cut: false,
        members: 0,
    };
    let Found::Value(value) = reader.value(0)? else {
        return None;
    };
    reader.skip_space();
    let is_certain = if reader.is_cut {
        // A bracket alone proves nothing.
        text.len() >= SHORTEST_CUT && reader.members > 0
    } else {
        reader.at == text.len()
    };
    is_certain.then_some(value)
}

/// A value, or the lack of one.
enum Found {
    Value(Json),
    /// The text ends before any part of the value is certain.
    Nothing,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Whether the text ended too early.
    is_cut: bool,
    /// Number of complete fields and items.
    members: usize,
}

/// The continuation of a list or object after a member.
enum Next {
    Member,
    End,
}

// Every function returns `None` if the text is not JSON.
impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self
            .peek()
            .is_some_and(|it| matches!(it, b' ' | b'\t' | b'\r' | b'\n'))
        {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Option<Found> {
        self.skip_space();
        match self.peek() {
            None => {
                self.is_cut = true;
                Some(Found::Nothing)
            }
            Some(b'{' | b'[') if depth >= DEEPEST => self.skip_nested().map(Found::Value),
            Some(b'{') => self.object(depth).map(Found::Value),
            Some(b'[') => self.array(depth).map(Found::Value),
            Some(b'"') => {
                let text = self.string()?;
                Some(if self.is_cut {
                    Found::Nothing
                } else {
                    Found::Value(Json::String(text))
                })
            }
            Some(_) => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        let mut fields = Map::new();
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Some(Json::Object(fields));
        }
        loop {
            self.skip_space();
            match self.peek() {
                Some(b'"') => {}
                None => self.is_cut = true,
                Some(_) => return None,
            }
            if self.is_cut {
                break;
            }
            let name = self.string()?;
            self.skip_space();
            match self.peek() {
                Some(b':') if !self.is_cut => self.at += 1,
                None => self.is_cut = true,
                Some(_) => return None,
            }
            if self.is_cut {
                break;
            }
            if let Found::Value(value) = self.field(&name, depth)? {
                fields.insert(name, value);
            }
            if self.is_cut || matches!(self.next(b'}')?, Next::End) {
                break;
            }
        }
        Some(Json::Object(fields))
    }

    /// Reads the value of a field. If it is cut off, its beginning is kept only if that is
    /// meaningful alone: half a name is another name.
    fn field(&mut self, name: &str, depth: usize) -> Option<Found> {
        self.skip_space();
        if self.peek() != Some(b'"') {
            return self.value(depth + 1).inspect(|_| self.count());
        }
        let text = self.string()?;
        self.count();
        if !self.is_cut {
            return Some(Found::Value(Json::String(text)));
        }
        let is_prose = PROSE.contains(&name) && !text.is_empty();
        Some(if is_prose {
            Found::Value(Json::String(format!("{text} {CUT_OFF}")))
        } else {
            Found::Nothing
        })
    }

    fn count(&mut self) {
        self.members += usize::from(!self.is_cut);
    }

    fn array(&mut self, depth: usize) -> Option<Json> {
        let mut items = Vec::new();
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Some(Json::Array(items));
        }
        loop {
            let item = self.value(depth + 1)?;
            self.count();
            if let Found::Value(item) = item {
                items.push(item);
            }
            if self.is_cut || matches!(self.next(b']')?, Next::End) {
                break;
            }
        }
        if self.is_cut {
            // A vector that is cut off may have been longer.
            if items.iter().all(Json::is_number) {
                items.clear();
            }
            items.push(Json::String(CUT_OFF.to_owned()));
        }
        Some(Json::Array(items))
    }

    fn next(&mut self, end: u8) -> Option<Next> {
        self.skip_space();
        let next = match self.peek() {
            Some(b',') => Next::Member,
            Some(it) if it == end => Next::End,
            None => {
                self.is_cut = true;
                return Some(Next::End);
            }
            Some(_) => return None,
        };
        self.at += 1;
        Some(next)
    }

    /// Reads a quoted text; its beginning if it is cut off.
    fn string(&mut self) -> Option<String> {
        let rest = &self.text[self.at + 1..];
        let mut escaped = false;
        let end = rest.bytes().position(|byte| {
            let is_end = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            is_end
        });
        self.is_cut = end.is_none();
        let body = &rest[..end.unwrap_or(rest.len())];
        self.at += 1 + body.len() + usize::from(!self.is_cut);
        unescaped(body, self.is_cut)
    }

    /// Reads a number, or one of the words for a value.
    fn word(&mut self) -> Option<Found> {
        let rest = &self.text[self.at..];
        let is_end = |it: char| matches!(it, ',' | ']' | '}' | ' ' | '\t' | '\r' | '\n');
        let end = rest.find(is_end);
        let word = &rest[..end.unwrap_or(rest.len())];
        self.at += word.len();
        if end.is_none() && self.at == self.text.len() {
            // More digits may have followed.
            self.is_cut = true;
            let words = ["true", "false", "null", "NaN", "Infinity", "-Infinity"];
            let is_begun = words.iter().any(|it| it.starts_with(word));
            return (is_begun || begins_number(word)).then_some(Found::Nothing);
        }
        let value = match word {
            "NaN" | "Infinity" | "-Infinity" => Json::Null,
            _ => serde_json::from_str(word).ok().or_else(|| {
                // A number that is too large counts as missing.
                let is_infinite =
                    begins_number(word) && word.parse::<f64>().is_ok_and(f64::is_infinite);
                is_infinite.then_some(Json::Null)
            })?,
        };
        Some(Found::Value(value))
    }

    /// Skips a list or an object.
    fn skip_nested(&mut self) -> Option<Json> {
        let mut open = 0_usize;
        loop {
            match self.peek() {
                Some(b'{' | b'[') => open += 1,
                Some(b'}' | b']') => open -= 1,
                Some(b'"') => {
                    self.string()?;
                    self.at -= usize::from(!self.is_cut);
                }
                Some(_) => {}
                None => self.is_cut = true,
            }
            if self.is_cut {
                return Some(Json::Null);
            }
            self.at += 1;
            if open == 0 {
                return Some(Json::Null);
            }
        }
    }
}

fn begins_number(word: &str) -> bool {
    let is_part = |it: u8| it.is_ascii_digit() || b"+-.eE".contains(&it);
    let begins = word.starts_with(|it: char| it.is_ascii_digit() || it == '-');
    begins && word.bytes().all(is_part)
}

/// The text with its escapes resolved. Half a character becomes the replacement character.
fn unescaped(body: &str, is_cut: bool) -> Option<String> {
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let Some(escape) = after.chars().next() else {
            // The text was cut off within the escape.
            return is_cut.then_some(text);
        };
        rest = &after[escape.len_utf8()..];
        match escape {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            '"' | '\\' | '/' => text.push(escape),
            'u' => {
                let Some(first) = unit(rest) else {
                    let is_end = is_cut && rest.len() < 4;
                    return is_end.then_some(text);
                };
                rest = &rest[4..];
                let low = rest.strip_prefix("\\u").and_then(unit);
                let pair = low.map(|low| char::decode_utf16([first, low]).next());
                if let Some(Some(Ok(character))) = pair
                    && character.len_utf16() == 2
                {
                    rest = &rest[6..];
                    text.push(character);
                } else {
                    let alone = char::from_u32(u32::from(first));
                    text.push(alone.unwrap_or(char::REPLACEMENT_CHARACTER));
                }
            }
            _ => return None,
        }
    }
    text.push_str(rest);
    Some(text)
}

/// The unit of UTF-16 at the beginning of a text, in four hexadecimal digits.
fn unit(text: &str) -> Option<u16> {
    let digits = text.get(..4)?;
    let is_hex = digits.bytes().all(|it| it.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_strict_readers_refuse_is_read() {
        for (text, expected) in [
            (r#"{"a":"hi \ud83d"}"#, json!({"a": "hi \u{fffd}"})),
            (
                r#"{"a":"\ude00 \ud83d\ude00"}"#,
                json!({"a": "\u{fffd} 😀"}),
            ),
            (r#"["\ud83d\ud83d\ude00"]"#, json!(["\u{fffd}😀"])),
            (
                r#"{"score": NaN, "b": [Infinity,-Infinity, 1]}"#,
                json!({"score": null, "b": [null, null, 1]}),
            ),
            (r#"{"e":1e999,"n":-2.5}"#, json!({"e": null, "n": -2.5})),
            (
                "{\"a\":\"one\ntwo\tthree\"}",
                json!({"a": "one\ntwo\tthree"}),
            ),
            ("[ ] ", json!([])),
        ] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        let mut value = &read(&deep).expect("a list");
        let mut levels = 0;
        while let Some(inner) = value.get(0) {
            (value, levels) = (inner, levels + 1);
        }
        assert_eq!(
            (levels, value),
            (DEEPEST, &Json::Null),
            "deeper levels are left out"
        );
    }

    #[test]
    fn of_what_was_cut_off_everything_that_is_certain_stays() {
        let before =
            r#"[{"role":"system","content":"Be brief, and say no more than you were asked."},"#;
        let system =
            json!({"role": "system", "content": "Be brief, and say no more than you were asked."});
        for (cut, expected) in [
            ("", vec![]),
            (r#"{"ro"#, vec![json!({})]),
            (r#"{"role":"us"#, vec![json!({})]),
            (r#"{"role":"user","#, vec![json!({"role": "user"})]),
            (
                r#"{"role":"user","content":"Where is \u26"#,
                vec![json!({"role": "user", "content": "Where is  [cut off]"})],
            ),
            (
                r#"{"role":"user","content":[{"type":"tool_call","name":"wea"#,
                vec![json!({"role": "user", "content": [{"type": "tool_call"}, CUT_OFF]})],
            ),
            (r#"{"size":12"#, vec![json!({})]),
            (
                r#"{"embedding":[0.5,0.25,0.1"#,
                vec![json!({"embedding": [CUT_OFF]})],
            ),
        ] {
            let mut all = vec![system.clone()];
            all.extend(expected);
            all.push(CUT_OFF.into());
            assert_eq!(
                read(&format!("{before}{cut}")),
                Some(Json::Array(all)),
                "{cut}"
            );
        }
    }

    #[test]
    fn every_beginning_of_json_is_read_or_is_a_text() {
        let whole = r#"{"a":[{"role":"user","content":"\ud83d\ude00 \"quoted\" é\\"},{"n":-1.5e3,"t":true}],"b":null}"#;
        for (end, _) in whole.char_indices() {
            let value = read(&whole[..end]);
            assert_eq!(value.is_some(), end >= SHORTEST_CUT, "{}", &whole[..end]);
        }
    }

    #[test]
    fn a_text_stays_a_text() {
        for text in [
            "[see the notes] and then tell me more about what they say of all of it",
            "{name} is a placeholder of the template which somebody fills in, later on",
            r#"["a" "b"] is no list of anything, since a comma is missing in between"#,
            r#"{"a": 1} is what it answered, and nothing else, in each of these cases"#,
            "[2026-03-01] is a day and no list of anything, whatever a reader of it thinks",
            "[{'role': 'user', 'content': 'the form of Python is no JSON, as we know'}]",
            r#"{"a":"\x41 is no escape that anybody knows, so that this is a text too"}"#,
            "[",
            r#"{"a":"#,
            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
