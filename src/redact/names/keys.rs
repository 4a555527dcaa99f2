//! Names that announce a secret.
//!
//! A name is split into words at separators and case changes, and its last word decides:
//! `clientSecret` is sensitive, `secret_name` is not. This alone keeps `max_tokens`, `token_count`,
//! `tokenizer` and `password_reset_url` readable.

use super::qualifiers::{
    ENDINGS, KEY_EXCEPTIONS, KEY_ISSUERS, KEY_QUALIFIERS, PHRASE_QUALIFIERS, TOKEN_EXCEPTIONS,
    TOKENS_QUALIFIERS, WORDS_QUALIFIERS,
};
use crate::redact::mark;
use crate::redact::text::find;
use crate::redact::text::words::Words;
use crate::redact::text::work;

/// Kind of value that a sensitive name announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Password,
    Passphrase,
    /// Secrets and keys: `client_secret`, `api-key`, `privateKey`.
    Secret,
    /// A token with a qualifier: `access_token`, `GITHUB_TOKEN`.
    Token,
    /// A word that code also uses for other things: `token`, `credentials`.
    BareToken,
    /// A key or token of something in no list, such as `lookerKey`: only generated values count.
    OfService,
    /// An id of a service's client or key.
    IdOfService,
    /// A word that seldom names a secret itself, or a key of unknown use: `auth`, `DEEPL_KEY`.
    Hint,
    Authorization,
    Cookie,
    Pin,
}

impl Kind {
    /// Id of the rule in marks and counts.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Passphrase => "passphrase",
            Self::Secret | Self::OfService | Self::IdOfService => "secret",
            Self::Token | Self::BareToken | Self::Hint => "token",
            Self::Authorization => "authorization",
            Self::Cookie => "cookie",
            Self::Pin => "pin",
        }
    }
}

/// Parts of names to search for. Every sensitive name contains one of them.
pub(crate) const ANCHORS: &[&str] = &[
    "pass", "pwd", "secret", "token", "key", "auth", "credent", "cookie", "mnemonic", "phrase",
    "creds", "jwt", "psk", "ndpw", "otpw", "totp",
];

/// Short names together with a separator, each with the length of the name.
pub(crate) const SHORT_ANCHORS: &[(&str, usize)] = &[
    ("pw:", 2),
    ("pw=", 2),
    ("pw =", 2),
    ("pw\"", 2),
    ("PW:", 2),
    ("PW=", 2),
    ("PW\"", 2),
    ("pw'", 2),
    ("PW'", 2),
    ("ogin(", 4),
    ("_PAT=", 4),
    ("_PAT:", 4),
    ("_pat=", 4),
    ("_pat:", 4),
    ("_pat\"", 4),
    ("_PAT\"", 4),
];

/// Endings of words written together, as in `PGPASSWORD` or `authtoken`.
const JOINED: &[(&str, Kind)] = &[
    ("password", Kind::Password),
    ("passwd", Kind::Password),
    ("requirepass", Kind::Password),
    ("masterauth", Kind::Password),
    ("userpwd", Kind::Password),
    ("storepass", Kind::Password),
    ("keypass", Kind::Password),
    ("bindpw", Kind::Password),
    ("rootpw", Kind::Password),
    ("sshpass", Kind::Password),
    ("userpass", Kind::Password),
    ("dbpass", Kind::Password),
    ("remotepass", Kind::Password),
    ("mailpass", Kind::Password),
    ("smtppass", Kind::Password),
    ("ftppass", Kind::Password),
    ("rootpass", Kind::Password),
    ("adminpass", Kind::Password),
    ("wifipass", Kind::Password),
    ("loginpass", Kind::Password),
    ("sqlpass", Kind::Password),
    ("authpass", Kind::Password),
    ("passphrase", Kind::Passphrase),
    ("psksecret", Kind::Passphrase),
    ("clientsecret", Kind::Secret),
    ("appsecret", Kind::Secret),
    ("sharedsecret", Kind::Secret),
    ("apikey", Kind::Secret),
    ("appkey", Kind::Secret),
    ("secretkey", Kind::Secret),
    ("accesskey", Kind::Secret),
    ("privatekey", Kind::Secret),
    ("accountkey", Kind::Secret),
    ("masterkey", Kind::Secret),
    ("encryptionkey", Kind::Secret),
    ("decryptionkey", Kind::Secret),
    ("validationkey", Kind::Secret),
    ("subscriptionkey", Kind::Secret),
    ("signingkey", Kind::Secret),
    ("consumerkey", Kind::Secret),
    ("consumersecret", Kind::Secret),
    ("authtoken", Kind::Token),
    ("accesstoken", Kind::Token),
    ("refreshtoken", Kind::Token),
    ("idtoken", Kind::Token),
    ("bottoken", Kind::Token),
    ("sessiontoken", Kind::Token),
    ("usertoken", Kind::Token),
    ("apitoken", Kind::Token),
];

/// The last three letters of [`JOINED`], which few other words end in.
static LAST_LETTERS: Words = Words::of_any_case(&[
    b"ord", b"swd", b"ass", b"uth", b"pwd", b"dpw", b"tpw", b"ase", b"ret", b"key", b"ken",
]);

/// Bytes of the longest word that is known by itself: `authorization`.
const LONGEST_WORD: usize = 13;

/// Bytes of the shortest of [`JOINED`].
const SHORTEST_JOINED: usize = 6;

/// The kind of value that a name announces. A name that contains a mark was redacted and announces
/// nothing.
pub(crate) fn kind_of(name: &[u8]) -> Option<Kind> {
    let kind = announced_by(name)?;
    let is_marked =
        name.len() > mark::ANCHOR.len() && find::contains(name, mark::ANCHOR.as_bytes());
    (!is_marked).then_some(kind)
}

/// The kinds of the names of a text that were read last. Most texts repeat a few names, and
/// comparing is cheaper than splitting them into words.
#[derive(Default)]
pub(crate) struct KnownNames([Known; KnownNames::SLOTS]);

/// Position of a name, and its kind.
#[derive(Clone, Copy, Default)]
struct Known {
    start: usize,
    end: usize,
    kind: Option<Kind>,
}

impl KnownNames {
    const SLOTS: usize = 16;

    /// The kind of value that the name at `start..end` announces.
    pub(crate) fn kind_of(&mut self, text: &[u8], start: usize, end: usize) -> Option<Kind> {
        let name = &text[start..end];
        let slot = 3 * name.len() + usize::from(*name.first()?);
        let known = &mut self.0[slot % Self::SLOTS];
        work::add(1 + name.len() / find::AT_ONCE);
        if text[known.start..known.end] != *name {
            work::add(name.len());
            let kind = kind_of(name);
            *known = Known { start, end, kind };
        }
        known.kind
    }
}

fn announced_by(name: &[u8]) -> Option<Kind> {
    let mut words = NameWords::of(name);
    let mut last = words.next()?;
    while ENDINGS.contain(last) || last.iter().all(u8::is_ascii_digit) {
        last = words.next()?;
    }
    let digits = last
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let last = &last[..last.len() - digits];
    let before = words.next();
    let qualified_by = |list: &Words| before.is_some_and(|word| list.contain(word));
    match lower(last, &mut [0; LONGEST_WORD]) {
        b"password" | b"passwd" | b"pwd" | b"passwort" | b"passcode" | b"pw" | b"passwords" => {
            Some(Kind::Password)
        }
        b"pass" => Some(if before.is_some() {
            Kind::Password
        } else {
            Kind::BareToken
        }),
        b"pat" => before.map(|_| Kind::Token),
        b"passphrase" | b"mnemonic" | b"psk" => Some(Kind::Passphrase),
        b"phrase" => qualified_by(&PHRASE_QUALIFIERS).then_some(Kind::Passphrase),
        b"seed" | b"words" => qualified_by(&WORDS_QUALIFIERS).then_some(Kind::Passphrase),
        b"secret" | b"totp" => Some(Kind::Secret),
        b"token" => match before {
            None => Some(Kind::BareToken),
            Some(_) if qualified_by(&TOKEN_EXCEPTIONS) => None,
            Some(_) => Some(Kind::Token),
        },
        // `secret_id` of HashiCorp Vault is half of a login.
        b"id" if before.is_some_and(|word| word.eq_ignore_ascii_case(b"secret")) => {
            Some(Kind::Token)
        }
        b"tokens" => qualified_by(&TOKENS_QUALIFIERS).then_some(Kind::Token),
        b"key" | b"keys" if qualified_by(&KEY_QUALIFIERS) => Some(Kind::Secret),
        b"key" if qualified_by(&KEY_ISSUERS) => Some(Kind::Hint),
        b"key" if before.is_none() || qualified_by(&KEY_EXCEPTIONS) => None,
        // `DEEPL_KEY`, `X-Acme-Key`, `lookerKey`: no list can name every issuer.
        b"key" => {
            let assigned = is_screaming(name) || is_custom_header(name);
            Some(if assigned {
                Kind::Hint
            } else {
                Kind::OfService
            })
        }
        b"authorization" => Some(Kind::Authorization),
        b"credential" | b"credentials" | b"secrets" => Some(Kind::BareToken),
        b"auth" | b"creds" | b"jwt" | b"bearer" => Some(Kind::Hint),
        b"cookie" | b"cookies" => Some(Kind::Cookie),
        b"pin" | b"pincode" => Some(Kind::Pin),
        _ => joined(last),
    }
}

/// Whether the word before `key` makes it a secret.
pub(crate) fn qualifies_key(word: &[u8]) -> bool {
    KEY_QUALIFIERS.contain(word)
}

/// Whether a name is that of a custom header: `X-…`.
pub(crate) fn is_custom_header(name: &[u8]) -> bool {
    matches!(name, [b'X' | b'x', b'-', ..])
}

/// A word in small letters; empty if it is longer than every known one.
fn lower<'a>(word: &[u8], room: &'a mut [u8; LONGEST_WORD]) -> &'a [u8] {
    let Some(room) = room.get_mut(..word.len()) else {
        return &[];
    };
    for (lower, byte) in room.iter_mut().zip(word) {
        *lower = byte.to_ascii_lowercase();
    }
    room
}

/// Whether a name has capitals and no small letters, as environment variables do.
pub(crate) fn is_screaming(name: &[u8]) -> bool {
    name.iter().any(u8::is_ascii_uppercase) && !name.iter().any(u8::is_ascii_lowercase)
}

fn joined(word: &[u8]) -> Option<Kind> {
    if word.len() < SHORTEST_JOINED || !LAST_LETTERS.contain(&word[word.len() - 3..]) {
        return None;
    }
    JOINED
        .iter()
        .find(|(ending, _)| ends_with_word(word, ending.as_bytes()))
        .map(|(_, kind)| *kind)
        .or_else(|| {
            // `AIRBRAKETOKEN`: any word before is a qualifier. Too many words end in `key`.
            (ends_with_word(word, b"token") || ends_with_word(word, b"secret"))
                .then_some(Kind::OfService)
        })
}

fn ends_with_word(word: &[u8], ending: &[u8]) -> bool {
    word.len()
        .checked_sub(ending.len())
        .is_some_and(|from| word[from..].eq_ignore_ascii_case(ending))
}

/// The words of a name, the last first.
pub(crate) struct NameWords<'a> {
    rest: &'a [u8],
}

impl<'a> NameWords<'a> {
    pub(crate) const fn of(name: &'a [u8]) -> Self {
        Self { rest: name }
    }
}

impl<'a> Iterator for NameWords<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().rposition(u8::is_ascii_alphanumeric)? + 1;
        let name = &self.rest[..end];
        let mut start = end - 1;
        while start > 0 && !begins_word(name, start) {
            start -= 1;
        }
        self.rest = &name[..start];
        Some(&name[start..])
    }
}

/// Whether a word of `name` begins at `at`, which is not 0: after a separator, at a capital after a
/// small letter, or at the last capital of a run (`APIKey`).
fn begins_word(name: &[u8], at: usize) -> bool {
    let (before, here) = (name[at - 1], name[at]);
    let next_is_lower = name.get(at + 1).is_some_and(u8::is_ascii_lowercase);
    !before.is_ascii_alphanumeric()
        || here.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit())
        || here.is_ascii_uppercase() && before.is_ascii_uppercase() && next_is_lower
}
