//! `Authorization` headers: a scheme and a credential.

use super::structures::Span;
use crate::redact::names::Name;
use crate::redact::text::format::Class;
use crate::redact::text::separator::{CLOSED, count, escapes_at};
use crate::redact::text::words::Words;
use crate::redact::values::random::looks_random;
use crate::redact::values::{is_placeholder_value, is_template};

/// Known schemes, in small letters.
static SCHEMES: Words = Words::of_any_case(&[
    b"bearer",
    b"basic",
    b"token",
    b"bot",
    b"apikey",
    b"api-key",
    b"api-token",
    b"key",
    b"digest",
    b"ssws",
    b"geniekey",
    b"splunk",
    b"aws4-hmac-sha256",
    b"private-token",
    b"dpop",
    b"oauth",
    b"hmac",
    b"mac",
    b"hawk",
    b"negotiate",
    b"ntlm",
    b"sso-key",
    b"signature",
    b"zoho-oauthtoken",
    b"sharedkey",
    b"sharedaccesssignature",
    b"jwt",
]);
const LONGEST_SCHEME: usize = 32;
const LONGEST_CREDENTIAL: usize = 4096;

/// Length of a known scheme and the spaces after it.
pub(crate) fn scheme_length(value: &[u8]) -> Option<usize> {
    let scheme = count(value, 0, LONGEST_SCHEME, |byte| byte != b' ');
    let spaces = count(value, scheme, 4, |byte| byte == b' ');
    (spaces > 0 && SCHEMES.contain(&value[..scheme])).then_some(scheme + spaces)
}

/// The credential of `Authorization: <any scheme> …`, with its parameters.
///
/// A single token after a known scheme is left to the judgement of values. Also returns the
/// position up to which the text was read.
pub(crate) fn authorization(text: &[u8], name: Name, at: usize) -> (Option<Span>, usize) {
    let at = at
        + count(text, at, CLOSED, |byte| {
            matches!(byte, b'\\' | b'"' | b'\'' | b'`')
        });
    let scheme = count(text, at, LONGEST_SCHEME, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
    });
    let blanks = count(text, at + scheme, 4, |byte| byte == b' ');
    // The rest of the line is read only if there is a scheme.
    if scheme < 2 || blanks == 0 {
        return (None, at + scheme);
    }
    let end = at + credential_length(&text[at..], is_quoted(text, name.start));
    (credential(text, at, scheme, blanks, end), end)
}

fn credential(text: &[u8], at: usize, scheme: usize, blanks: usize, end: usize) -> Option<Span> {
    let value = &text[at..end];
    let credential = &value[scheme + blanks..];
    if credential.len() < 8 || is_template(credential) {
        return None;
    }
    let known = scheme_length(value).is_some();
    let single = !credential.contains(&b' ') && !credential.contains(&b',');
    let call = credential.contains(&b'(');
    let plausible = has_parameters(credential)
        || single
            && !call
            && (!known || credential.contains(&b':'))
            && (looks_random(credential) || credential.contains(&b':'))
            && !is_placeholder_value(credential);
    plausible.then_some((at + scheme + blanks, end))
}

/// Whether the header is in quotes, as on a command line.
fn is_quoted(text: &[u8], start: usize) -> bool {
    matches!(text[..start].last(), Some(b'"' | b'\''))
}

/// Length of a credential: up to the end of the line or of the quotes around it. Parameters may
/// have quotes.
fn credential_length(text: &[u8], quoted: bool) -> usize {
    const SIGNS: Class = Class::of("\\\"'`\n\r");
    let (mut at, limit) = (0, text.len().min(LONGEST_CREDENTIAL));
    while at < limit {
        at += count(text, at, limit - at, |byte| !SIGNS.has(byte));
        if at == limit {
            break;
        }
        let escapes = escapes_at(text, at);
        match text.get(at + escapes) {
            None | Some(b'\n' | b'\r') => return at,
            Some(b'n' | b'r') if escapes > 0 => return at,
            Some(quote @ (b'"' | b'\'')) => {
                if at == 0 || text[at - 1] != b'=' {
                    return at;
                }
                let inside = at + escapes + 1;
                let length = count(text, inside, LONGEST_CREDENTIAL, |byte| {
                    byte != *quote && byte != b'\n'
                });
                at = inside + length + 1;
            }
            Some(b'`') if quoted => return at,
            Some(_) => at += escapes + 1,
        }
    }
    at.min(text.len())
}

/// Whether a credential has parameters: `id="…", mac="…"`.
fn has_parameters(credential: &[u8]) -> bool {
    let name = count(credential, 0, 40, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
    });
    let value = &credential[name..];
    name > 0 && value.len() > 2 && value[0] == b'=' && value[1] != b'=' && value.contains(&b',')
}
