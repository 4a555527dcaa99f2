//! Values that are no secrets: examples, labels, test values, plain words.

use crate::redact::text::characters::{is_monotonous, strip_digits};
use crate::redact::text::find::contains_word;
use crate::redact::text::words::Words;

/// Words that make any value an example.
static EXAMPLE_WORDS: Words = Words::of_any_case(&[
    b"example",
    b"placeholder",
    b"changeme",
    b"change-me",
    b"change_me",
    b"your-",
    b"your_",
    b"yourkey",
    b"yourtoken",
    b"yourpassword",
    b"yoursecret",
    b"xxxx",
    b"redacted",
    b"replace_",
    b"replace-",
    b"replaceme",
    b"insert-",
    b"insert_",
    b"dummy",
    b"<",
    b"\xe2\x80\xa6",
    b"...",
    b"****",
    b"todo",
]);

/// Words and runs that generated bodies do not contain.
static INVENTED_WORDS: Words = Words::of_any_case(&[
    b"sample",
    b"your",
    b"abc123",
    b"123456",
    b"abcdef",
    b"fedcba",
    b"654321",
    b"deadbeef",
    b"cafebabe",
    b"foobar",
    b"not-a-real",
    b"notareal",
    b"-here",
    b"_here",
    b"fake",
]);

/// Values that are names of fields, types or states.
static PLAIN_WORDS: Words = Words::of_any_case(&[
    b"password",
    b"passwd",
    b"pass",
    b"pwd",
    b"passphrase",
    b"secret",
    b"secrets",
    b"token",
    b"key",
    b"apikey",
    b"api_key",
    b"api-key",
    b"bearer",
    b"basic",
    b"cookie",
    b"cookies",
    b"credential",
    b"credentials",
    b"authorization",
    b"auth",
    b"new-password",
    b"current-password",
    b"one-time-code",
    b"string",
    b"str",
    b"text",
    b"bool",
    b"boolean",
    b"number",
    b"object",
    b"integer",
    b"int",
    b"bytes",
    b"any",
    b"unknown",
    b"optional",
    b"required",
    b"hidden",
    b"none",
    b"null",
    b"nil",
    b"undefined",
    b"true",
    b"false",
    b"yes",
    b"no",
    b"invalid",
    b"missing",
    b"incorrect",
    b"expired",
    b"empty",
    b"default",
    b"include",
    b"omit",
    b"same-origin",
    b"username",
    b"user",
    b"email",
    b"value",
    b"name",
    b"id",
    b"env",
    b"file",
    b"files",
    b"set",
    b"unset",
    b"present",
    b"absent",
    b"clear",
    b"enabled",
    b"disabled",
    b"write",
    b"read",
    b"inherit",
    b"ok",
    b"all",
    b"base64",
    b"sha256",
]);

/// Keys that providers publish.
static PUBLIC_PREFIXES: Words = Words::exact(&[
    b"phc_",
    b"pk_live_",
    b"pk_test_",
    b"sb_publishable_",
    b"pk-lf-",
    b"ssh-rsa ",
    b"ssh-ed25519 ",
]);

/// Whether a token of a known format is an example.
pub(crate) fn is_placeholder(body: &[u8]) -> bool {
    // Long bodies contain any short word by chance.
    const SHORT: usize = 120;
    has_example_word(&body[..body.len().min(SHORT)])
        || body.len() <= SHORT && INVENTED_WORDS.stand_in(body)
        || is_monotonous(body)
}

/// Whether a value without a known format is an example or a plain word.
pub(crate) fn is_placeholder_value(value: &[u8]) -> bool {
    PLAIN_WORDS.contain(unquoted(value))
        || has_example_word(value)
        || PUBLIC_PREFIXES.begin(value)
        || contains_word(value, crate::redact::mark::ANCHOR.as_bytes())
        || !value
            .iter()
            .any(|byte| byte.is_ascii_alphanumeric() || *byte >= 128)
        || value.len() >= 4 && value.iter().all(|byte| *byte == value[0])
        || value.starts_with("•".as_bytes())
        || value.len() < 16 && ends_in_x(value)
        || is_version(value)
}

/// Whether a value is a version, as lists of packages have beside names such as `password-input`:
/// `^1.33.1`, `cookie@1.1.1`.
fn is_version(value: &[u8]) -> bool {
    let version = value
        .rsplit(|byte| *byte == b'@')
        .next()
        .unwrap_or_default();
    let version = version.trim_ascii_start();
    let version = match version.first() {
        Some(b'^' | b'~' | b'=' | b'v') => &version[1..],
        _ => version,
    };
    let mut parts = version.split(|byte| *byte == b'.');
    parts.clone().count() >= 3
        && parts
            .by_ref()
            .take(2)
            .all(|part| (1..=4).contains(&part.len()) && part.iter().all(u8::is_ascii_digit))
        && version.len() <= 24
        && parts
            .next()
            .is_some_and(|part| part.first().is_some_and(u8::is_ascii_digit))
}

/// A value without quotes and assignment signs around it.
fn unquoted(value: &[u8]) -> &[u8] {
    let is_sign = |byte: &u8| matches!(byte, b'"' | b'\'' | b'`' | b'=' | b':');
    let from = value.iter().take_while(|byte| is_sign(byte)).count();
    let tail = value[from..].iter().rev();
    &value[from..value.len() - tail.take_while(|byte| is_sign(byte)).count()]
}

/// Whether a value is masked: `ghp_xxx`.
fn ends_in_x(value: &[u8]) -> bool {
    value.len() >= 3 && value[value.len() - 3..].eq_ignore_ascii_case(b"xxx")
}

fn has_example_word(value: &[u8]) -> bool {
    EXAMPLE_WORDS.stand_in(value)
}

/// Labels of password fields in other languages. Translations are no secrets.
static TRANSLATED: Words = Words::of_any_case(&[
    b"passwort",
    b"kennwort",
    b"mot de passe",
    "contraseña".as_bytes(),
    b"contrasena",
    b"contrasenya",
    b"senha",
    b"palavra-passe",
    b"parola",
    b"wachtwoord",
    "lösenord".as_bytes(),
    b"adgangskode",
    b"passord",
    b"salasana",
    b"heslo",
    "hasło".as_bytes(),
    "jelszó".as_bytes(),
    "şifre".as_bytes(),
    b"parool",
    b"lozinka",
    b"geslo",
    "пароль".as_bytes(),
    "Пароль".as_bytes(),
    "пароли".as_bytes(),
    "парола".as_bytes(),
    "Парола".as_bytes(),
    "密码".as_bytes(),
    "密碼".as_bytes(),
    "パスワード".as_bytes(),
    "비밀번호".as_bytes(),
    "mật khẩu".as_bytes(),
    b"kata sandi",
    b"sandi",
    "รหัสผ่าน".as_bytes(),
    "كلمة".as_bytes(),
    "סיסמה".as_bytes(),
    "κωδικός".as_bytes(),
    "पासवर्ड".as_bytes(),
    b"passphrase",
    b"jeton",
    b"clave",
    b"password",
    b"token",
    b"secret",
]);

/// Arbitrary values of tests and examples.
static FIXTURES: Words = Words::of_any_case(&[
    b"wrong",
    b"incorrect",
    b"bad",
    b"test",
    b"tests",
    b"testing",
    b"foo",
    b"bar",
    b"baz",
    b"qux",
    b"foobar",
    b"abc",
    b"xyz",
    b"fake",
    b"mock",
    b"nope",
    b"tok",
    b"stale",
    b"old",
    b"new",
    b"plain",
    b"hashed",
    b"short",
    b"weak",
    b"strong",
    b"pw",
    b"a",
    b"b",
    b"x",
    b"y",
    b"something",
    b"whatever",
    b"anything",
    b"else",
    b"different",
    b"other",
    b"input",
    b"prompt",
    b"raw",
    b"cleartext",
    b"encrypted",
    b"private",
    b"public",
    b"internal",
    b"stdin",
    b"vault",
    b"keychain",
    b"keyring",
    b"never",
    b"always",
]);

/// Whether a value is the label of a field, in any language.
pub(crate) fn is_label(value: &[u8]) -> bool {
    if value.iter().any(u8::is_ascii_digit) {
        return false;
    }
    let labelled = value
        .iter()
        .any(|byte| matches!(byte, b' ' | b':' | b'*' | b'?'))
        || value.iter().any(|byte| *byte >= 128);
    // `Zugriffstoken`
    let title = value[0].is_ascii_uppercase() && value[1..].iter().all(u8::is_ascii_lowercase);
    TRANSLATED.contain(value) || (labelled || title) && TRANSLATED.stand_in(value)
}

/// Whether a value is a wrong or arbitrary password of a test.
pub(crate) fn is_fixture(value: &[u8]) -> bool {
    static WRONG: Words = Words::of_any_case(&[
        b"wrong",
        b"incorrect",
        b"invalid",
        b"expired",
        b"bad",
        b"not-",
        b"test-",
        b"test_",
        b"fake",
        b"mock",
        b"my-",
        b"my_",
        b"some-",
        b"some_",
    ]);
    value.len() < 8 && FIXTURES.contain(strip_digits(value))
        || WRONG.begin(value) && !WRONG.contain(value) && !value.iter().any(u8::is_ascii_digit)
}

/// Whether a value is a regular expression, or the rules of a validator: `required|min:8`.
pub(crate) fn is_pattern(value: &[u8]) -> bool {
    static SIGNS: Words = Words::exact(&[
        b"[a-z",
        b"[A-Z",
        b"[0-9",
        b"[^",
        b"(?",
        b"\\d",
        b"\\w",
        b"\\s",
        b".*",
        b".+",
        b"[a-f",
        b"required|",
        b"nullable|",
        b"|string",
        b"|min:",
    ]);
    SIGNS.stand_in(value)
}
