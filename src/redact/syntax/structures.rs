//! Secrets recognised by the text around them: private key blocks, passwords in addresses,
//! credentials of a scheme.

use crate::redact::text::characters::looks_generated;
use crate::redact::text::find::{self, find};
use crate::redact::text::format::{BASE64, WORD, is_cut, run_length, run_length_back};
use crate::redact::values::checks::decode_base64;
use crate::redact::values::random::looks_random;
use crate::redact::values::{is_placeholder, is_placeholder_value};

/// Start and end of a secret.
pub(crate) type Span = (usize, usize);

const KEY_LABEL: &[u8] = b"PRIVATE KEY";
const DASHES: &[u8] = b"-----";
const LONGEST_LABEL: usize = 48;
/// Bytes of the shortest run of key material between PEM lines. Shorter ones are decoration.
const KEY_LINE: usize = 16;
/// Bytes between two lines, at most: line breaks, escapes, indents, diff signs and line numbers.
const LONGEST_GAP: usize = 24;

/// The private key block that begins at `at` with its label at `label`, up to its end or the end of
/// the text.
///
/// The body may be one line or many, with literal `\n`, line numbers, diff
/// signs or headers between them, and its end may be missing.
pub(crate) fn private_key(text: &[u8], at: usize, label: usize) -> Option<Span> {
    const DECORATIONS: usize = 16;
    let (mut position, mut key_end, mut decorations) = (label_end(text, label)?, None, 0);
    loop {
        let gap = text[position..]
            .iter()
            .take_while(|byte| !BASE64.has(**byte))
            .count();
        if let Some(dashes) = find(&text[position..position + gap], DASHES)
            && text[position + dashes..].starts_with(b"-----END")
        {
            let end = label_end(text, position + dashes + b"-----END".len());
            return key_end.map(|key_end| (at, end.unwrap_or(key_end)));
        }
        let start = position + gap;
        let run = run_length(BASE64, &text[start..], usize::MAX);
        let longest_gap = if key_end.is_some() {
            LONGEST_GAP
        } else {
            2 * LONGEST_GAP
        };
        if run == 0 || gap > longest_gap {
            break;
        }
        position = start + run;
        if run >= KEY_LINE {
            position += text[position..]
                .iter()
                .take_while(|byte| **byte == b'=')
                .count();
            key_end = Some(position);
            decorations = DECORATIONS - 3;
        } else {
            decorations += 1;
            if decorations > DECORATIONS || position == text.len() && key_end.is_some() {
                break;
            }
        }
    }
    // Cut off here: the rest of the last line belongs to the key.
    let end = if position == text.len() {
        key_end.map(|_| position)
    } else {
        key_end
    };
    end.map(|end| (at, end))
}

/// A private key block without its beginning. Its end marker is at `at`.
pub(crate) fn private_key_tail(text: &[u8], at: usize, floor: usize) -> Option<Span> {
    let end = label_end(text, at + b"-----END".len())?;
    let (mut position, mut start, mut decorations) = (at, None, 0);
    while position > floor && decorations < 3 {
        let gap = text[floor..position]
            .iter()
            .rev()
            .take_while(|byte| !BASE64.has(**byte))
            .count();
        let run_end = position - gap;
        let run = run_length_back(BASE64, &text[floor..run_end], usize::MAX);
        if run == 0 || gap > LONGEST_GAP {
            break;
        }
        position = run_end - run;
        if run >= KEY_LINE {
            start = Some(position);
            decorations = 0;
        } else {
            decorations += 1;
        }
    }
    start.map(|start| (start, end))
}

/// The position after the label of a private key and its dashes.
fn label_end(text: &[u8], from: usize) -> Option<usize> {
    let near = &text[from..text.len().min(from + LONGEST_LABEL)];
    let label = find(near, DASHES)?;
    find(&near[..label], KEY_LABEL).map(|_| from + label + DASHES.len())
}

/// The password of an address, or a token in its place. Its `://` is at `at`.
pub(crate) fn url_password(text: &[u8], at: usize) -> Option<Span> {
    const LONGEST: usize = 512;
    let start = at + 3;
    let near = &text[start..text.len().min(start + LONGEST)];
    // Most addresses have none, which is cheap to find out.
    memchr::memchr(b'@', near)?;
    let near = until(near, |byte| {
        byte.is_ascii_whitespace()
            || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | b'|')
    });
    // Web addresses end their authority at the first slash; database passwords may hold one.
    let web = [&b"http"[..], b"https", b"ws", b"wss"]
        .iter()
        .any(|scheme| text[..at].ends_with(scheme));
    let authority = if web {
        until(near, |byte| matches!(byte, b'/' | b'?' | b'#'))
    } else {
        near
    };
    let first = authority.iter().position(|byte| *byte == b'@')?;
    // The password may hold an `@` as well, the host may not.
    let host = until(&authority[first..], |byte| {
        matches!(byte, b'/' | b'?' | b',')
    });
    let user_info = &authority[..first + host.iter().rposition(|byte| *byte == b'@')?];
    if find::contains(user_info, crate::redact::mark::ANCHOR.as_bytes()) {
        return None;
    }
    let Some(colon) = user_info.iter().position(|byte| *byte == b':') else {
        return is_token(user_info).then_some((start, start + user_info.len()));
    };
    let (user, password) = (&user_info[..colon], &user_info[colon + 1..]);
    if matches!(password, b"x-oauth-basic" | b"") {
        return is_token(user).then_some((start, start + colon));
    }
    let template = password.starts_with(b"$")
        || password
            .iter()
            .any(|byte| matches!(byte, b'{' | b'}' | b'('));
    let secret = password.len() >= 2 && !template && !is_placeholder_value(password);
    secret.then_some((start + colon + 1, start + user_info.len()))
}

/// Whether the name of a user is a token.
fn is_token(user: &[u8]) -> bool {
    user.len() >= 16 && looks_random(user) && !is_placeholder(user)
}

/// `text` up to the first byte that `ends` it.
fn until(text: &[u8], ends: impl Fn(u8) -> bool) -> &[u8] {
    &text[..text
        .iter()
        .position(|byte| ends(*byte))
        .unwrap_or(text.len())]
}

/// Scheme of an `Authorization` header.
#[derive(Clone, Copy)]
pub(crate) enum Scheme {
    Basic,
    Bearer,
}

/// The credential after the name of its scheme, which ends at `from`.
pub(crate) fn scheme_credential(text: &[u8], from: usize, scheme: Scheme) -> Option<Span> {
    const SHORTEST: usize = 12;
    let start = from
        + text[from..]
            .iter()
            .take(4)
            .take_while(|byte| **byte == b' ')
            .count();
    let class = WORD.and_also("-.~+/=");
    let end = start + run_length(class, &text[start..], usize::MAX);
    let credential = &text[start..end];
    let plausible = match scheme {
        Scheme::Basic => credential.len() >= 8 && is_basic(credential),
        Scheme::Bearer => {
            credential.len() >= SHORTEST
                && (looks_random(credential)
                    || is_cut(&text[end..])
                        && credential.len() >= 20
                        && looks_generated(credential))
        }
    };
    (plausible && !is_placeholder(credential)).then_some((start, end))
}

/// Whether a credential is base64 of `user:password`, in printable ASCII.
pub(crate) fn is_basic(credential: &[u8]) -> bool {
    let decoded = decode_base64(credential);
    let printable = decoded.iter().all(|byte| (32..127).contains(byte));
    printable && decoded.iter().skip(1).any(|byte| *byte == b':')
}
