//! Calls with a name and a secret, or a user and a password.

use super::literal::Literal;
use super::structures::Span;
use crate::redact::names::Name;
use crate::redact::names::keys::{Kind, is_custom_header, is_screaming, kind_of};
use crate::redact::text::find;
use crate::redact::text::lines;
use crate::redact::text::separator::{CLOSED, blanks, count, escapes_at};
use crate::redact::text::words::Words;
use crate::redact::values::{Style, is_secret};

/// Calls whose second argument is the value of the first. In small letters.
static SETTERS: Words = Words::of_any_case(&[
    b"setproperty",
    b"setitem",
    b"set",
    b"put",
    b"append",
    b"put_env",
    b"putenv",
    b"setenv",
    b"set_env",
    b"setdefault",
    b"string",
    b"stringvar",
    b"option",
    b"config",
    b"putstring",
    b"setstring",
    b"setitemasync",
    b"setvalue",
    b"write",
    b"add",
    b"header",
    b"setheader",
    b"addheader",
    b"stubenv",
    b"fill",
    b"type",
    b"fillfield",
    b"setattribute",
    b"store",
    b"save",
    b"set_var",
]);

/// Whether the argument after a name, or in its parenthesis, is a value and not a label.
pub(crate) fn takes_literal(text: &[u8], name: Name, kind: Kind, value: usize) -> bool {
    let written = name.of(text);
    let before = &text[..name.start];
    let between = &text[name.end..value];
    if between.contains(&b'(') {
        // `.password("…")`, `setPassword("…")`
        return matches!(kind, Kind::Password | Kind::Secret)
            && (before.ends_with(b".")
                || [&b"set"[..], b"with"]
                    .iter()
                    .any(|it| written.starts_with(it))
                || written == b"PASSWORD"
                || constructs_string(before));
    }
    if between.contains(&b'`') {
        return false;
    }
    if between.contains(&b'{') {
        return constructs_string(before);
    }
    // `{password, "…"}`
    if between.starts_with(b",") {
        return kind != Kind::Hint;
    }
    // `define('X', '…')`, `getenv("X", "…")`; `["--password", "…"]`
    let setting = is_screaming(written) && written.contains(&b'_');
    let flag = before.ends_with(b"--") && !matches!(text[value..], [b'"' | b'\'', b'-', ..]);
    setting
        || flag
        || is_custom_header(written)
        || !matches!(kind, Kind::Hint | Kind::OfService | Kind::IdOfService) && is_set(before)
}

/// Whether the name is declared with a type before it: `std::string secret{"…"}`.
fn constructs_string(before: &[u8]) -> bool {
    [&b"string "[..], b"String ", b"string_view "]
        .iter()
        .any(|it| before.ends_with(it))
}

/// Whether a call sets the name: `System.setProperty("javax.…Password", "…")`.
fn is_set(before: &[u8]) -> bool {
    let near = &before[before.len().saturating_sub(64)..];
    let Some(open) = memchr::memrchr(b'(', near) else {
        return false;
    };
    let callee = &near[..open];
    let length = callee
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count();
    let callee = &callee[callee.len() - length..];
    let plain = near[open..]
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"(\"'._-[]=#&, ".contains(byte));
    // The name must be the first argument, except after a pointer to a variable: `set("x", "token",
    // "…")`.
    let first = !near[open..].contains(&b',') || near[open..].starts_with(b"(&");
    plain && first && SETTERS.contain(callee)
}

/// The second of two strings after a name: `login("bob", "…")`, `auth=("bob", "…")`,
/// `SetBasicAuth("bob", "…")`.
pub(crate) fn second_of_pair(text: &[u8], name: Name) -> Option<Span> {
    let ends = |word: &[u8]| {
        let written = name.of(text);
        written
            .len()
            .checked_sub(word.len())
            .is_some_and(|from| written[from..].eq_ignore_ascii_case(word))
    };
    if !ends(b"auth") && !ends(b"login") {
        return None;
    }
    // The quotes of a name that is a key: `'auth' => ['bob', '…']`.
    let closed = name.end + count(text, name.end, 1, |byte| matches!(byte, b'"' | b'\''));
    let joint = closed - name.end
        + count(text, closed, 8, |byte| {
            matches!(byte, b'=' | b' ' | b',' | b'(' | b'>' | b'[' | b':')
        });
    let opened = text[name.end..name.end + joint]
        .iter()
        .any(|byte| match byte {
            b'(' | b'[' => true,
            b',' => closed == name.end,
            _ => false,
        });
    let Literal::Whole(_, user) = Literal::read(text, name.end + joint) else {
        return None;
    };
    let comma = user
        + count(text, user, CLOSED, |byte| {
            matches!(byte, b'"' | b'\'' | b'\\')
        });
    // Ruby needs no brackets.
    let opened = opened || ends(b"basic_auth");
    if !opened || text.get(comma) != Some(&b',') {
        return None;
    }
    let Literal::Whole(start, end) = Literal::read(text, comma + 1 + blanks(text, comma + 1, 4))
    else {
        return None;
    };
    is_secret(Kind::Password, Style::Literal, &text[start..end]).then_some((start, end))
}

/// Calls with a secret, and the index of that argument, from 0.
pub(crate) const TAKERS: &[(&str, usize)] = &[
    ("getConnection(", 2),
    ("new PDO(", 2),
    ("mysqli_connect(", 2),
    ("new mysqli(", 2),
    ("mysql_connect(", 2),
    ("real_connect(", 2),
    ("pymysql.connect(", 2),
    ("MySQLdb.connect(", 2),
    ("auth_password(", 2),
    ("DBI->connect(", 2),
    ("NetworkCredential(", 1),
    ("PasswordCredentials(", 1),
    ("PlainCredentials(", 1),
    ("Credentials.basic(", 1),
    ("keyring.set_password(", 2),
    ("new Sequelize(", 2),
    ("HttpBasicAuth(", 1),
    ("HTTPBasicAuth(", 1),
    ("username_pw_set(", 1),
    ("WiFi.begin(", 1),
    ("ldap_bind(", 2),
    ("simple_bind_s(", 1),
    ("ftp_login(", 2),
    ("imap_open(", 2),
    ("jwt.sign(", 1),
    ("jwt.verify(", 1),
    ("jwt.encode(", 1),
    ("jwt.decode(", 1),
    ("JWT.encode(", 1),
    ("JWT.decode(", 1),
    ("createHmac(", 1),
    ("hash_hmac(", 2),
    (".bearer_auth(", 0),
    (".basic_auth(", 1),
    ("PlainAuth(", 2),
    (" Credentials(", 3),
    ("sp_addlogin ", 1),
    ("Fernet(", 0),
    ("hmac.new(", 0),
    ("hmac.New(", 1),
    ("createCipheriv(", 1),
    ("createDecipheriv(", 1),
    ("AES.new(", 0),
    ("pgp_sym_encrypt(", 1),
    ("pgp_sym_decrypt(", 1),
    ("AES_ENCRYPT(", 1),
    ("AES_DECRYPT(", 1),
    ("UserPassword(", 1),
    ("etCredentials(", 1),
    ("PasswordAuthentication(", 1),
    ("cookieParser(", 0),
    ("Twilio(", 1),
    ("AuthenticationToken(", 1),
    ("wlan.connect(", 1),
    ("connect(", 2),
    ("Unprotect ", 0),
    ("sp_addlinkedsrvlogin ", 4),
    ("FTP(", 2),
    ("_superuser(", 2),
    ("hCredentials(", 1),
    ("SymmetricSecurityKey(Encoding.UTF8.GetBytes(", 0),
];

/// The string that is argument `index` of a call whose arguments begin at `from`, and the position
/// up to which the text was read.
pub(crate) fn argument(text: &[u8], from: usize, index: usize) -> (Option<Span>, usize) {
    const LONGEST: usize = 512;
    let limit = text.len().min(from + LONGEST);
    let (mut at, mut depth, mut passed) = (from, 0_usize, 0);
    while at < limit {
        if passed == index && depth == 0 {
            let start = at + count(text, at, 64, |byte| byte.is_ascii_whitespace());
            let Literal::Whole(start, end) = Literal::read(text, start) else {
                return (None, start);
            };
            let secret = is_secret(Kind::Password, Style::Literal, &text[start..end]);
            return (secret.then_some((start, end)), end);
        }
        match text[at] {
            b'"' | b'\'' | b'`' | b'\\' => {
                let Literal::Whole(_, end) = Literal::read(text, at) else {
                    return (None, at);
                };
                at = end + escapes_at(text, end);
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth == 0 => return (None, at),
            b')' | b']' | b'}' => depth -= 1,
            b',' if depth == 0 => passed += 1,
            b';' => return (None, at),
            _ => {}
        }
        at += 1;
    }
    (None, at)
}

/// Methods that type into a field.
const TYPISTS: &[&str] = &[
    ".fill(",
    ".type(",
    ".send_keys(",
    ".sendKeys(",
    ".setValue(",
    ".pressSequentially(",
    ".fill_in(",
    ".val(",
    ".value = ",
    ", with: ",
    ", { target: { value: ",
    "/i), ",
    "/), ",
];

/// The text typed into a field: `getByLabel('Password').fill('…')`.
pub(crate) fn typed(text: &[u8], name: Name) -> Option<Span> {
    name.kind.filter(|it| *it != Kind::Hint)?;
    let closed = name.end
        + count(text, name.end, CLOSED, |byte| {
            matches!(byte, b'"' | b'\'' | b'`' | b']' | b')' | b'\\')
        });
    let method = TYPISTS
        .iter()
        .filter(|_| matches!(text.get(closed), Some(b'.' | b',' | b'/')))
        .find(|it| text[closed..].starts_with(it.as_bytes()))?;
    argument(text, closed + method.len(), 0).0
}

/// Labels between a value and its name: `set("…", forKey: "password")`.
pub(crate) const LABELS: &[&str] = &["orKey: ", "orKey:", "orHTTPHeaderField: "];

/// The secret before a label of [`LABELS`] that ends at `from`.
pub(crate) fn before_label(text: &[u8], from: usize) -> Option<Span> {
    let Literal::Whole(name, end) = Literal::read(text, from) else {
        return None;
    };
    let kind = kind_of(&text[name..end]).filter(|it| *it != Kind::Hint)?;
    let line = lines::before(text, from);
    let call = &line[..memchr::memrchr(b'f', line)?];
    let call = call.trim_ascii_end();
    let literal = call.strip_suffix(b",").unwrap_or(call);
    let quote = *literal.last().filter(|byte| **byte == b'"')?;
    let literal = &literal[..literal.len() - 1];
    let opening = memchr::memrchr(quote, literal)? + 1;
    let start = from - line.len() + opening;
    let end = start + literal.len() - opening;
    is_secret(kind, Style::Literal, &text[start..end]).then_some((start, end))
}

/// Commands with which a script answers a prompt.
pub(crate) const SENDERS: &[&str] = &["send \"", "send -- \""];

/// The password that a script sends at a prompt. Its `send "` ends at `from`.
pub(crate) fn sent(text: &[u8], from: usize) -> Option<Span> {
    const NEAR: usize = 160;
    let before = &text[from.saturating_sub(NEAR)..from];
    find::find(before, b"assword")?;
    let rest = &text[from..text.len().min(from + NEAR)];
    let end = from + find::find(rest, b"\\r")?;
    let end = end - usize::from(text[..end].ends_with(b"\\"));
    is_secret(Kind::Password, Style::Literal, &text[from..end]).then_some((from, end))
}

/// Commands that make a password of a string.
pub(crate) const CONVERTERS: &[&str] = &["| ConvertTo-SecureString"];

/// The string before such a command, which ends at `end`: `"…" | ConvertTo-SecureString`.
pub(crate) fn converted(text: &[u8], end: usize) -> Option<Span> {
    let pipe = end.checked_sub(CONVERTERS[0].len())?;
    let line = lines::before(text, pipe).trim_ascii_end();
    let quote = *line.last().filter(|byte| matches!(byte, b'"' | b'\''))?;
    let blanks = lines::before(text, pipe).len() - line.len();
    let literal = &line[..line.len() - 1];
    let opening = memchr::memrchr(quote, literal)?;
    let to = pipe - blanks - 1;
    let from = to - (literal.len() - opening - 1);
    is_secret(Kind::Password, Style::Literal, &text[from..to]).then_some((from, to))
}

/// Calls that encode credentials.
pub(crate) const ENCODERS: &[&str] =
    &["btoa(", "b64encode(", "base64_encode(", "CURLOPT_USERPWD, "];

/// The password in a call that encodes `user:password`.
pub(crate) fn encoded_pair(text: &[u8], from: usize) -> Option<Span> {
    let Literal::Whole(start, end) = Literal::read(text, from) else {
        return None;
    };
    let colon = start + memchr::memchr(b':', &text[start..end])?;
    is_secret(Kind::Password, Style::Literal, &text[colon + 1..end]).then_some((colon + 1, end))
}
