//! A labelled corpus generated from the tables: true examples and near misses of every rule, each
//! placed into code, logs, settings, JSON, diffs and prose.
//!
//! Bodies come from a seeded generator, so the repository holds no literal that
//! looks like a secret.

use crate::redact::rules::{self, Anchor, Rule};
use crate::redact::text::format::{Class, Part};
use crate::redact::values::checks::{base62, crc32, crc32_base62, web_token};

/// A seeded random number generator (`SplitMix64`), which makes the corpus the same in every run.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    pub(super) fn bytes(&mut self, class: Class, count: usize) -> String {
        let members: Vec<u8> = class.members().collect();
        (0..count)
            .map(|_| char::from(members[self.below(members.len())]))
            .collect()
    }

    fn part(&mut self, part: Part) -> String {
        match part {
            Part::Text(literal) => literal.to_owned(),
            Part::Run { class, min, max } => {
                let most = max.min(min + 4);
                let count = min + self.below(most - min + 1);
                self.bytes(class, count)
            }
        }
    }
}

/// A text and the secret in it.
pub(super) struct Sample {
    pub(super) text: String,
    /// The secret; `None` if nothing is to be replaced.
    pub(super) secret: Option<String>,
    pub(super) id: &'static str,
}

/// Surroundings without a sensitive name; `@` is the secret.
const CONTEXTS: &[&str] = &[
    "const client = connect(\"@\");",
    "2026-03-01T12:00:00Z INFO sent @ to upstream in 12ms",
    "export SETTING=@\nexport OTHER=1\n",
    "{\"id\": \"@\", \"count\": 3}",
    "{\\\"id\\\": \\\"@\\\", \\\"count\\\": 3}",
    "-  id: old\n+  id: @\n   name: x\n",
    "I put @ into the settings file, please check.",
    "curl https://api.test/v1?x=@&y=2",
    "line one\\n@\\nline three",
    "@",
];

/// Surroundings with the name of a provider, `#`.
const NAMED_CONTEXTS: &[&str] = &[
    "#_ID=\"@\"",
    "{\"#\": {\"id\": \"@\"}}",
    "{\\\"#_id\\\": \\\"@\\\"}",
    "+  #-id: @\n",
    "new #Client('@')",
    "# id = @ in the log",
];

/// Samples of every rule.
pub(super) fn of_rules(seed: u64) -> Vec<Sample> {
    let mut random = Random(seed);
    rules::all()
        .flat_map(|rule| of_rule(rule, &mut random))
        .collect()
}

fn of_rule(rule: &'static Rule, random: &mut Random) -> Vec<Sample> {
    let mut samples = Vec::new();
    for round in 0..5 {
        let (secret, written) = example(rule, random);
        let near_miss = near_miss(rule, random, round);
        let sample = |text: String, secret: Option<String>| Sample {
            text,
            secret,
            id: rule.id,
        };
        if let Anchor::Near(names) = rule.anchor {
            let name = names[random.below(names.len())];
            let spelled = if random.below(2) == 0 {
                name.to_owned()
            } else {
                name.to_uppercase()
            };
            for context in NAMED_CONTEXTS {
                let named = context.replacen('#', &spelled, 1);
                samples.push(sample(named.replace('@', &secret), Some(secret.clone())));
                samples.push(sample(named.replace('@', &near_miss), None));
            }
            // Without the name, the same value is no secret.
            samples.push(sample(format!("checksum {secret} verified"), None));
        } else {
            for context in CONTEXTS {
                samples.push(sample(context.replace('@', &written), Some(secret.clone())));
                samples.push(sample(context.replace('@', &near_miss), None));
            }
            if matches!(rule.anchor, Anchor::Prefix(_)) {
                samples.push(sample(format!("glued{written}"), Some(secret.clone())));
            }
        }
    }
    samples
}

/// A secret, and its text with the part that stays.
pub(super) fn example(rule: &Rule, random: &mut Random) -> (String, String) {
    // Some random bodies are rightly taken for examples.
    for _ in 0..200 {
        let mut body = rule
            .body
            .iter()
            .map(|part| random.part(*part))
            .collect::<String>();
        if std::ptr::fn_addr_eq(
            rule.check,
            crc32_base62 as crate::redact::values::checks::Check,
        ) {
            let checksum = base62(crc32(&body.as_bytes()[..30]));
            body = body[..30].to_owned() + std::str::from_utf8(&checksum).unwrap();
        }
        if rule.id == "jwt" || rule.id == "jwe" {
            body = body.replacen(&body[..8], "hbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", 1);
        }
        if rule.id == "encoded-jwt" {
            body = "aGJHY2lPaUpJVXpJMU5pSXNJblI1Y0NJNklrcFhWQ0o5".to_owned() + &body;
        }
        if rule.id == "encoded-private-key" {
            body = "BSU0EgUFJJVkFURSBLRVktLS0tLQo".to_owned() + &body;
        }
        let (secret, written) = match rule.anchor {
            Anchor::Prefix(text) | Anchor::Word(text) => {
                (format!("{text}{body}"), format!("{text}{body}"))
            }
            Anchor::Link(kept) => (
                body.clone(),
                format!("https://{}{body}", kept.trim_start_matches("https://")),
            ),
            Anchor::Inside { lead, signature } => {
                let mut whole = random.part(lead) + signature + &body;
                if std::ptr::fn_addr_eq(
                    rule.check,
                    web_token as crate::redact::values::checks::Check,
                ) {
                    whole.replace_range(..4, "eyAi");
                }
                (whole.clone(), whole)
            }
            Anchor::Near(_) => (body.clone(), body.clone()),
        };
        let checked = if matches!(rule.anchor, Anchor::Inside { .. }) {
            &secret
        } else {
            &body
        };
        if (rule.check)(checked.as_bytes()) != crate::redact::values::checks::Verdict::Not {
            return (secret, written);
        }
    }
    panic!(
        "{}: the check accepts nothing that the format makes",
        rule.id
    )
}

/// Near misses: a placeholder, an ellipsis, a template, a short body, words.
fn near_miss(rule: &Rule, random: &mut Random, round: usize) -> String {
    let (_, written) = example(rule, random);
    let fixed = match rule.anchor {
        Anchor::Prefix(text) | Anchor::Word(text) | Anchor::Link(text) => text,
        Anchor::Inside { signature, .. } => signature,
        Anchor::Near(_) => "",
    };
    let body = match round {
        0 => "x".repeat(written.len().saturating_sub(fixed.len()).max(8)),
        1 => "…".to_owned(),
        2 => "<your-own>".to_owned(),
        3 => random.bytes(crate::redact::text::format::ALNUM, 5) + "!",
        _ => "words_that-describe_what-stands_here-in_the-documentation".to_owned(),
    };
    format!("{fixed}{body}")
}

/// Sensitive names.
const NAMES: &[&str] = &[
    "password",
    "dbPassword",
    "DB_PASSWORD",
    "passwd",
    "user-password",
    "api_key",
    "apiKey",
    "API_KEY",
    "x-api-key",
    "api-key",
    "secret",
    "client_secret",
    "clientSecret",
    "STRIPE_SECRET_KEY",
    "access_token",
    "accessToken",
    "AUTH_TOKEN",
    "refresh-token",
    "private_key",
    "session_secret",
    "SESSION_SECRET",
    "passphrase",
    "PGPASSWORD",
    "secret_key_base",
    "aws_secret_access_key",
    "token",
    "GITHUB_TOKEN",
    "encryptionKey",
    "jwtSecret",
    "AccountKey",
];

/// Notations of a name, `#`, and its value, `@`.
const NOTATIONS: &[&str] = &[
    "{\"#\": \"@\", \"n\": 1}",
    "{\\\"#\\\": \\\"@\\\"}",
    "{\\\\\\\"#\\\\\\\": \\\\\\\"@\\\\\\\"}",
    "#=@",
    "export #=@\n",
    "#: @\n",
    "  #: '@'\n",
    "# = \"@\"\n",
    "let # = '@';",
    "run --#=@ --verbose",
    "run --# @ --verbose",
    "https://api.test/v1?a=1&#=@&b=2",
    "+#=@\n",
    "- #: @",
    "config.# = \"@\"",
    "config[\"#\"] = \"@\"",
    "'#' => '@',",
    "<#>@</#>",
    "log: using #: @, retrying",
    "a\\n#=@\\nb",
    "const #: string = \"@\";",
    "#: \"@",
    "setItem(\"#\", \"@\")",
    "Server=db;#=@;Database=x",
];

/// Sensitive names and values in every notation: `(text, secret)`.
pub(super) fn of_names(seed: u64) -> Vec<Sample> {
    let class = crate::redact::text::format::ALNUM;
    let mut random = Random(seed);
    let mut samples = Vec::new();
    for name in NAMES {
        for notation in NOTATIONS {
            let length = 16 + random.below(24);
            let secret = loop {
                let secret = random.bytes(class, length);
                let digits = secret.bytes().filter(u8::is_ascii_digit).count();
                if digits >= 2 && !crate::redact::values::is_placeholder_value(secret.as_bytes()) {
                    break secret;
                }
            };
            let text = notation.replace('#', name).replace('@', &secret);
            samples.push(Sample {
                text,
                secret: Some(secret),
                id: "a sensitive name",
            });
        }
    }
    samples
}

/// Texts in which nothing is replaced.
pub(super) const HARMLESS: &[&str] = &[
    "max_tokens: 4096, token_count=128, input_tokens: 9000, \"output_tokens\": 12",
    "the tokenizer of the secretary, password_reset_url = \"https://x.test/reset\"",
    "password: string;\n  token: string | null;\n  apiKey?: string",
    "fn login(password: &str, token: Option<String>) -> Secret",
    "secret = os.environ[\"X\"]\ntoken = os.getenv('TOKEN')",
    "{ password: process.env.PW, apiKey: import.meta.env.VITE_KEY }",
    "TOKEN=$GITHUB_TOKEN PASSWORD=${PASSWORD:-} KEY=$(cat key.pem) make",
    "Authorization: Bearer $TOKEN",
    "headers: { Authorization: `Bearer ${token}` }",
    "password = getpass.getpass(\"Password: \")",
    "api_key = client.secrets.get_api_key(name)",
    "OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "api_key: <your key>, api_key = your-api-key-here, API_KEY=YOUR_API_KEY",
    "password: changeme\npassword: ********\npassword=\"\"",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "id: 123e4567-e89b-12d3-a456-426614174000",
    "\"integrity\": \"sha512-z5T8WqbzyWr1Y0Lrk1R2H9yBqU7rHUg0rWtQ8W7mZ0o2J6V0o2Gm5j9kQ1vE0w4yKQ8k7qkq3Qd2lC7r1h8q0A==\"",
    "checksum = \"d1a2b0c3f4e5968778695a4b3c2d1e0f9fceb02d0ae598e95dc970b74767f193\"",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "if s.startswith(\"-----BEGIN RSA PRIVATE KEY-----\") and s.endswith(\"-----END RSA PRIVATE KEY-----\"):",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n-----END CERTIFICATE-----",
    "--- PASS: TestLogin_RetriesAfter401 (0.02s)",
    "Use --password to set it, or pass: true in the options; Password: required",
    "public_key = \"abcdef0123456789\", primary_key: \"user_id_12345678\", key_id=\"k-1234567890\"",
    "nextPageToken: \"CAUQAA1234567890\", eos_token=\"<|endoftext|>\", pad_token: \"[PAD_123456]\"",
    "https://user:password@example.com/ and postgres://user:${PW}@db/x and https://example.com/@scope/pkg@1.2.3",
    "ssh://git@github.com/org/repo.git https://github.com/a/b/blob/main/c@d:e",
    "credentials: 'include', credentials: \"same-origin\", cookie: Cookie, cookies: []",
    "interface Session { accessToken: AccessToken; secretKey: Uint8Array }",
    "token.type === 'identifier' && token.value !== 'secret'",
    "{\"password\": null, \"token\": true, \"secret\": \"\"}",
    "{\"name\": \"token\", \"type\": \"string\", \"description\": \"The API token to use for requests\"}",
    "i18n: { password: \"Password\", forgotPassword: \"Forgot your password?\" }",
    "secretKeyRef: {name: db-credentials, key: password}",
    "task-list-with-many-words-in-it-and-more disk-usage-of-everything-here",
    "TOKEN_FILE=/run/secrets/token PASSWORD_FILE=/run/secrets/db",
    "phc_ keys such as the one in every page are public, pk_live_ too",
    "secrets.GITHUB_TOKEN, ${{ secrets.NPM_TOKEN }}",
    "let token = tokens[index]; password=password, api_key=api_key, secret=self.secret",
    "assert_eq!(token, Token::Identifier(name))",
    "bearer token authentication uses the Bearer scheme, basic authentication does not",
    "pub const SO_COOKIE: c_int = 57;\npub const AUTH_KEY: c_ulong = 0x12;\n    TYPE_PASS = 0x100,\npub type PFN_SESSION_KEY = Option<fn()>;\nconst APP_PASSWORD = kSecAppPassword;",
    "mem::MaybeUninit::<libc::passwd>::uninit() NOPASSWD:ALL (?P<secret_key>.*?)@",
    "pub Authorization: PRESENCE_PROPERTIES_0, Security_Authorization = [\"Win32_Security\"]",
    "git diff 1a2b3c4..5d6e7f8 -- src/auth/token.rs",
    "mfa.rs st.ts md-file.md key-value test_ live_ sk_ re_exports api-docs sdk-docs",
];
