//! Which names announce a secret.
//!
//! A name is cut into words at separators and case changes, and its last word
//! decides: `clientSecret` is sensitive, `secret_name` is not. That alone keeps
//! `max_tokens`, `token_count`, `tokenizer` and `password_reset_url` readable.

use super::qualifiers::{
    ENDINGS, KEY_EXCEPTIONS, KEY_ISSUERS, KEY_QUALIFIERS, PHRASE_QUALIFIERS, TOKEN_EXCEPTIONS,
    TOKENS_QUALIFIERS, WORDS_QUALIFIERS,
};
use super::words::Words;
use super::{find, mark, work};

/// What a sensitive name says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Password,
    Passphrase,
    /// Secrets and keys: `client_secret`, `api-key`, `privateKey`.
    Secret,
    /// A token with a qualifier: `access_token`, `GITHUB_TOKEN`.
    Token,
    /// A word that code also uses for other things: `token`, `credentials`.
    BareToken,
    /// A key or token of what no list knows, such as `lookerKey`: only what a machine made.
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
    /// The rule id in marks and counts.
    pub(super) const fn id(self) -> &'static str {
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

/// What the text scanner looks for; every sensitive name contains one of them.
pub(super) const ANCHORS: &[&str] = &[
    "pass", "pwd", "secret", "token", "key", "auth", "credent", "cookie", "mnemonic", "phrase",
    "creds", "jwt", "psk", "ndpw", "otpw", "totp",
];

/// Short names, found only with what may follow them.
pub(super) const SHORT_ANCHORS: &[(&str, usize)] = &[
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

/// Words run together, as in `PGPASSWORD` or `authtoken`.
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

/// The last letters of [`JOINED`], which few other words have.
static LAST_LETTERS: Words = Words::of_any_case(&[
    b"ord", b"swd", b"ass", b"uth", b"pwd", b"dpw", b"tpw", b"ase", b"ret", b"key", b"ken",
]);

/// The longest word that is known by itself: `authorization`.
const LONGEST_WORD: usize = 13;

/// The shortest of [`JOINED`].
const SHORTEST_JOINED: usize = 6;

/// What a name announces, if anything. A mark in it says what stood there, and announces nothing.
pub(super) fn kind_of(name: &[u8]) -> Option<Kind> {
    let kind = announced_by(name)?;
    let is_marked =
        name.len() > mark::ANCHOR.len() && find::contains(name, mark::ANCHOR.as_bytes());
    (!is_marked).then_some(kind)
}

/// What the names of one text announce that were read last: in most texts the same few stand over
/// and over, and telling words apart costs more than comparing.
#[derive(Default)]
pub(super) struct KnownNames([Known; KnownNames::SLOTS]);

/// Where a name was read, and what it announces.
#[derive(Clone, Copy, Default)]
struct Known {
    start: usize,
    end: usize,
    kind: Option<Kind>,
}

impl KnownNames {
    const SLOTS: usize = 16;

    /// What the name at `start..end` of the text announces.
    pub(super) fn kind_of(&mut self, text: &[u8], start: usize, end: usize) -> Option<Kind> {
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
        // HashiCorp Vault's half of a login.
        b"id" if before.is_some_and(|word| word.eq_ignore_ascii_case(b"secret")) => {
            Some(Kind::Token)
        }
        b"tokens" => qualified_by(&TOKENS_QUALIFIERS).then_some(Kind::Token),
        b"key" | b"keys" if qualified_by(&KEY_QUALIFIERS) => Some(Kind::Secret),
        b"key" if qualified_by(&KEY_ISSUERS) => Some(Kind::Hint),
        b"key" if before.is_none() || qualified_by(&KEY_EXCEPTIONS) => None,
        // `DEEPL_KEY`, `X-Acme-Key`, `lookerKey`: of whom it is the key, no list can tell.
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

/// Whether a word before it makes a `key` a secret.
pub(super) fn qualifies_key(word: &[u8]) -> bool {
    KEY_QUALIFIERS.contain(word)
}

/// `X-…`
pub(super) fn is_custom_header(name: &[u8]) -> bool {
    matches!(name, [b'X' | b'x', b'-', ..])
}

/// A word in small letters; empty when it is longer than any that is known.
fn lower<'a>(word: &[u8], room: &'a mut [u8; LONGEST_WORD]) -> &'a [u8] {
    let Some(room) = room.get_mut(..word.len()) else {
        return &[];
    };
    for (lower, byte) in room.iter_mut().zip(word) {
        *lower = byte.to_ascii_lowercase();
    }
    room
}

/// Text that is all capitals, digits and underscores, as environment variables are.
pub(super) fn is_screaming(name: &[u8]) -> bool {
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

/// The words of a name, last first.
pub(super) struct NameWords<'a> {
    rest: &'a [u8],
}

impl<'a> NameWords<'a> {
    pub(super) const fn of(name: &'a [u8]) -> Self {
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

/// A word of `name` begins at `at`, which is not 0: after a separator, at a
/// capital after a small letter, or at the last capital of a run (`APIKey`).
fn begins_word(name: &[u8], at: usize) -> bool {
    let (before, here) = (name[at - 1], name[at]);
    let next_is_lower = name.get(at + 1).is_some_and(u8::is_ascii_lowercase);
    !before.is_ascii_alphanumeric()
        || here.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit())
        || here.is_ascii_uppercase() && before.is_ascii_uppercase() && next_is_lower
}
