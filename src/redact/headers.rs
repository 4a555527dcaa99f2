//! `Authorization` headers: a scheme, and what it is followed by.

use super::format::Class;
use super::name::Name;
use super::random::looks_random;
use super::separator::count;
use super::structures::Span;
use super::values::{is_placeholder_value, is_template};
use super::words::Words;

/// Words before the credential that are known without looking at it, in small letters.
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

/// The length of an authentication scheme and the spaces after it.
pub(super) fn scheme_length(value: &[u8]) -> Option<usize> {
    let scheme = count(value, 0, LONGEST_SCHEME, |byte| byte != b' ');
    let spaces = count(value, scheme, 4, |byte| byte == b' ');
    (spaces > 0 && SCHEMES.contain(&value[..scheme])).then_some(scheme + spaces)
}

/// The credential of `Authorization: <any scheme> …`, with its parameters.
///
/// One token after a known scheme is left to the rules that judge a value.
/// Answers how far was read, too.
pub(super) fn authorization(text: &[u8], name: Name, at: usize) -> (Option<Span>, usize) {
    let at = at
        + count(text, at, 8, |byte| {
            matches!(byte, b'\\' | b'"' | b'\'' | b'`')
        });
    let scheme = count(text, at, LONGEST_SCHEME, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
    });
    let blanks = count(text, at + scheme, 4, |byte| byte == b' ');
    // The rest of the line is read only after a scheme.
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

/// The name stands in the quotes of a header given on a command line.
fn is_quoted(text: &[u8], start: usize) -> bool {
    matches!(text[..start].last(), Some(b'"' | b'\''))
}

/// To the end of the line or of the quotes around it; parameters have quotes of their own.
fn credential_length(text: &[u8], quoted: bool) -> usize {
    const SIGNS: Class = Class::of("\\\"'`\n\r");
    let (mut at, limit) = (0, text.len().min(LONGEST_CREDENTIAL));
    while at < limit {
        at += count(text, at, limit - at, |byte| !SIGNS.has(byte));
        if at == limit {
            break;
        }
        let escapes = count(text, at, 8, |byte| byte == b'\\');
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

/// `id="…", mac="…"`
fn has_parameters(credential: &[u8]) -> bool {
    let name = count(credential, 0, 40, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
    });
    let value = &credential[name..];
    name > 0 && value.len() > 2 && value[0] == b'=' && value[1] != b'=' && value.contains(&b',')
}
