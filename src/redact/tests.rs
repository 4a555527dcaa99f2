use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::anchors::{Anchors, Step};
use super::corpus::{self, HARMLESS, Random, Sample};
use super::format::{ALNUM, BASE64};
use super::{Counts, RedactionKey, Redactor, UserRules, checks, mark, rules};

fn redactor() -> Redactor {
    Redactor::new(RedactionKey::new([7; 32]))
}

fn redact(text: &str) -> String {
    redactor()
        .text(text, &mut Counts::default())
        .unwrap_or_else(|| text.to_owned())
}

fn redact_json(mut value: Value) -> Value {
    redactor().value(&mut value, &mut Counts::default());
    value
}

/// Found and missed secrets, replaced and kept harmless text.
#[derive(Default)]
struct Score {
    found: u32,
    missed: Vec<String>,
    mistaken: Vec<String>,
}

impl Score {
    fn of(samples: &[Sample]) -> Self {
        let mut score = Self::default();
        for Sample { text, secret, id } in samples {
            let redacted = redact(text);
            match secret {
                Some(secret) if redacted.contains(secret.as_str()) || redacted == *text => {
                    score.missed.push(format!("{id}: {text}"));
                }
                Some(_) => score.found += 1,
                None if redacted != *text => {
                    score.mistaken.push(format!("{id}: {text} → {redacted}"));
                }
                None => {}
            }
        }
        score
    }

    #[track_caller]
    fn assert(&self) {
        let found = f64::from(self.found);
        let ratio =
            |others: &[String]| found / (found + f64::from(u32::try_from(others.len()).unwrap()));
        let (recall, precision) = (ratio(&self.missed), ratio(&self.mistaken));
        let some = |all: &[String]| {
            all.iter()
                .take(40)
                .map(|it| it.replace('\n', "⏎"))
                .collect::<Vec<_>>()
                .join("\n  ")
        };
        let report = format!(
            "recall {recall:.4}, precision {precision:.4}\nmissed:\n  {}\nmistaken:\n  {}",
            some(&self.missed),
            some(&self.mistaken)
        );
        assert!(recall >= 0.98 && precision >= 0.98, "{report}");
    }
}

#[test]
fn literals_are_found_wherever_they_stand() {
    let anchors = Anchors::new(vec![
        (b"abc".into(), 3),
        (b"abcd".into(), 4),
        (b"bcd".into(), 0),
    ]);
    for before in 0..300 {
        for after in [0, 1, 2, 7, 8, 9, 127, 128, 129] {
            let text = ["x".repeat(before), "abcd".into(), "x".repeat(after)].concat();
            let all = |skip: usize| {
                let mut all = Vec::new();
                let none = anchors.find_map(text.as_bytes(), 0, |at, announces| {
                    all.push((at, announces));
                    (skip > 0).then_some(Step::<()>::Skip(at + skip))
                });
                assert_eq!(none, None);
                all
            };
            assert_eq!(all(0), [(before, 4), (before, 3), (before + 1, 0)]);
            assert_eq!(all(1), [(before, 4), (before + 1, 0)]);
            assert_eq!(all(4), [(before, 4)]);
        }
    }
}

#[test]
fn known_formats_are_found_and_near_misses_stay() {
    Score::of(&corpus::of_rules(1)).assert();
}

#[test]
fn values_under_sensitive_names_are_found_in_every_notation() {
    Score::of(&corpus::of_names(2)).assert();
}

#[test]
fn harmless_text_stays() {
    for text in HARMLESS {
        assert_eq!(redact(text), **text);
    }
}

#[test]
fn every_rule_finds_its_own_examples_under_its_own_id() {
    let mut random = Random(3);
    for rule in rules::all() {
        let (secret, written) = corpus::example(rule, &mut random);
        let text = match rule.anchor {
            rules::Anchor::Near(names) => format!("{}: {secret}", names[0]),
            _ => format!("see {written} there"),
        };
        let redacted = redact(&text);
        assert!(
            !redacted.contains(&secret),
            "{}: {text} → {redacted}",
            rule.id
        );
    }
}

#[test]
fn rules_have_valid_ids_and_sources_and_there_are_some_two_hundred_kinds() {
    for provider in rules::providers() {
        assert!(provider.source.contains('.'), "{}", provider.source);
        for rule in provider.rules {
            assert!(mark::is_valid_id(rule.id), "{}", rule.id);
        }
    }
    let kinds: HashSet<_> = rules::all().map(|rule| rule.id).collect();
    assert!(kinds.len() >= 200, "{}", kinds.len());
}

#[test]
fn redacting_twice_changes_nothing() {
    let samples = corpus::of_rules(4)
        .into_iter()
        .chain(corpus::of_names(5))
        .map(|sample| sample.text);
    for text in samples.chain(HARMLESS.iter().map(|it| (*it).to_owned())) {
        let once = redact(&text);
        assert_eq!(redact(&once), once, "from {text}");
    }
}

#[test]
fn any_string_stays_a_string_and_redacts_to_a_fixed_point() {
    let mut random = Random(6);
    let pieces = [
        "ghp_",
        "sk-",
        "eyJ",
        "password",
        "=",
        ":",
        "\"",
        "\\\"",
        "\\n",
        "\n",
        " ",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "://",
        "@",
        "Bearer ",
        "[redacted:",
        "]",
        "é",
        "…",
        "\u{10348}",
        "key",
        "TOKEN",
        "abcDEF123456abcDEF99",
        "A1b2",
        "'",
        "<",
        ">",
        "(",
        ",",
        "-u ",
        "Cookie: ",
        "datadog",
        "&sig=",
        ".",
        "/",
        "--",
        "0",
    ];
    for _ in 0..20_000 {
        let length = random.below(14);
        let text = (0..length)
            .map(|_| pieces[random.below(pieces.len())])
            .collect::<String>();
        let once = redact(&text);
        assert_eq!(redact(&once), once, "from {text:?}");
    }
}

#[test]
fn text_made_of_anchors_takes_no_longer_than_other_text() {
    for anchor in [
        "eyJ",
        "sk-",
        "xoxb-",
        "token=",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "://",
        "datadog:",
        "MTA",
    ] {
        let text = anchor.repeat(20_000 / anchor.len());
        let start = std::time::Instant::now();
        redact(&text);
        assert!(
            start.elapsed().as_secs() < 10,
            "{anchor}: {:?}",
            start.elapsed()
        );
    }
}

#[test]
fn text_without_secrets_is_not_copied() {
    assert_eq!(
        redactor().text("cargo test --workspace", &mut Counts::default()),
        None
    );
}

#[test]
fn equal_secrets_get_equal_marks_and_other_keys_other_marks() {
    let token = format!("glpat-{}", Random(8).bytes(ALNUM, 20));
    let redacted = redact(&format!("{token} and {token}"));
    let (first, second) = redacted.split_once(" and ").unwrap();
    assert_eq!(first, second);
    assert!(
        first.starts_with("[redacted:gitlab-pat:")
            && first.len() == "[redacted:gitlab-pat:3f2a]".len(),
        "{first}"
    );
    let other = Redactor::new(RedactionKey::new([8; 32])).text(&token, &mut Counts::default());
    assert_ne!(other.as_deref(), Some(first));
}

#[test]
fn a_checksum_shows_where_a_token_ends() {
    let random = Random(9).bytes(ALNUM, 30);
    let checksum = checks::base62(checks::crc32(random.as_bytes()));
    let token = format!("ghp_{random}{}", std::str::from_utf8(&checksum).unwrap());
    assert!(redact(&format!("{token}AndMore")).ends_with("]AndMore"));
}

#[test]
fn crc32_has_the_published_check_value() {
    assert_eq!(checks::crc32(b"123456789"), 0xCBF4_3926);
}

fn private_key(separator: &str) -> (String, Vec<String>) {
    let mut random = Random(10);
    let mut lines: Vec<String> = (0..5).map(|_| random.bytes(BASE64, 64)).collect();
    lines.push(random.bytes(BASE64, 22) + "==");
    let label = "RSA PRIVATE KEY-----";
    (
        format!(
            "-----BEGIN {label}{separator}{}{separator}-----END {label}",
            lines.join(separator)
        ),
        lines,
    )
}

#[test]
fn private_keys_go_however_their_lines_are_joined() {
    for separator in [
        "\n",
        "\\n",
        "\\\\n",
        "\r\n",
        "\n+",
        "\n    ",
        "\n   12→",
        "\\n\" +\n  \"",
        " ",
    ] {
        let (block, lines) = private_key(separator);
        let redacted = redact(&format!("before {block} after"));
        assert!(
            redacted.starts_with("before [redacted:private-key:") && redacted.ends_with("] after"),
            "{separator:?}: {redacted}"
        );
        assert!(
            !lines.iter().any(|line| redacted.contains(line.as_str())),
            "{separator:?}: {redacted}"
        );
    }
}

#[test]
fn private_keys_go_when_their_beginning_or_end_is_cut_off() {
    let (block, lines) = private_key("\n");
    for cut in 60..block.len() {
        let redacted = redact(&block[..cut]);
        assert!(
            !redacted.contains(&lines[0][..16]),
            "cut at {cut}: {redacted}"
        );
        assert!(
            lines
                .iter()
                .all(|line| !redacted.contains(&line[line.len() - 20..])),
            "cut at {cut}: {redacted}"
        );
    }
    for cut in 40..block.len() - 60 {
        let redacted = redact(&block[cut..]);
        assert!(
            !redacted.contains(&lines[4][40..]),
            "from {cut}: {redacted}"
        );
    }
}

#[test]
fn a_token_cut_off_by_the_end_of_the_text_goes() {
    let token = format!("github_pat_{}", Random(11).bytes(ALNUM, 60));
    for end in ["", "…", "..."] {
        let redacted = redact(&format!("token is {}{end}", &token[..30]));
        assert_eq!(
            redacted.find("github"),
            redacted.find("github-fine"),
            "{redacted}"
        );
    }
}

#[test]
fn headers_keep_their_scheme() {
    let secret = Random(12).bytes(ALNUM, 32);
    for (text, starts) in [
        (
            format!("Authorization: Bearer {secret}"),
            "Authorization: Bearer [redacted:authorization:",
        ),
        (
            format!("curl -H \"Authorization: token {secret}\" x"),
            "curl -H \"Authorization: token [redacted:authorization:",
        ),
        (
            "Authorization: Basic YWxpY2U6czNjcmV0MQ==".to_owned(),
            "Authorization: Basic [redacted:authorization:",
        ),
        (
            "sent Basic YWxpY2U6czNjcmV0MQ== there".to_owned(),
            "sent Basic [redacted:basic-credentials:",
        ),
        (
            format!("Cookie: sid={secret}; theme=dark"),
            "Cookie: [redacted:cookie:",
        ),
        (
            format!("X-Api-Key: {secret}"),
            "X-Api-Key: [redacted:secret:",
        ),
        (
            format!("headers.set('Authorization', 'Bearer {secret}')"),
            "headers.set('Authorization', 'Bearer [redacted:authorization:",
        ),
    ] {
        let redacted = redact(&text);
        assert!(redacted.starts_with(starts), "{text} → {redacted}");
        assert!(!redacted.contains(&secret));
    }
}

#[test]
fn passwords_in_addresses_and_on_command_lines_go() {
    for (text, expected) in [
        (
            "postgres://app:hunter2@db:5432/x",
            "postgres://app:[redacted:url-password:",
        ),
        (
            "https://bob:s3cr3tpw@host.test/path",
            "https://bob:[redacted:url-password:",
        ),
        (
            "redis://:p4ssw/rd@cache:6379",
            "redis://:[redacted:url-password:",
        ),
        (
            "mongodb+srv://u:Zx9%40kk@c.test/db",
            "mongodb+srv://u:[redacted:url-password:",
        ),
        (
            "curl -s -u alice:w0nderland https://x.test",
            "curl -s -u alice:[redacted:password:",
        ),
        (
            "mysql --password hunter22 -h db",
            "mysql --password [redacted:password:",
        ),
        (
            "CREATE ROLE app WITH PASSWORD 'tiger12'",
            "CREATE ROLE app WITH PASSWORD '[redacted:password:",
        ),
        (
            "machine x.test login bob password opensesame",
            "machine x.test login bob password [redacted:password:",
        ),
        (
            "Server=db;User Id=sa;Password=Tiger!x;Encrypt=yes",
            "Server=db;User Id=sa;Password=[redacted:password:",
        ),
    ] {
        let redacted = redact(text);
        assert!(redacted.starts_with(expected), "{text} → {redacted}");
    }
}

/// `@` is a random value, `#` a short password.
#[test]
fn everyday_leaks_go() {
    let mut random = Random(15);
    for text in [
        "//registry.npmjs.org/:_authToken=@",
        "//npm.pkg.test/:_password=\"@\"",
        "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: #\n",
        "environment:\n  - MYSQL_PWD=#\n",
        "DEEPL_KEY=@",
        "aws configure set aws_secret_access_key @",
        "vault kv put kv/app password=#1",
        "openai.api_key = \"@\"",
        "-H 'X-Auth-Token: @'",
        "spring.datasource.password=#7",
        "a=1\\u0026password=#7",
        "git clone https://oauth2:@@gitlab.test/a/b.git",
        "PGPASSWORD='#' psql -h db",
        "docker run -e \"API_TOKEN=@\" app",
        "kubectl create secret generic x --from-literal=password=#9",
        "define('DB_PASSWORD', '@');",
        "<add key=\"ClearTextPassword\" value=\"#\" />",
        "**Password:** `#`",
        "os.environ[\"SECRET_KEY\"] = \"@\"",
        "config :app, password: \"#\"",
        "set -x API_TOKEN=@",
        "  client-key: @  # comment",
        "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=@;EndpointSuffix=core",
        "login(user=\"bob\", password=\"#\")",
        "ANTHROPIC_API_KEY=@ claude -p hi",
    ] {
        let (secret, text) = if text.contains('@') {
            let secret = random.bytes(ALNUM, 40);
            (secret.clone(), text.replacen('@', &secret, 1))
        } else {
            ("hunterino".to_owned(), text.replace('#', "hunterino"))
        };
        let redacted = redact(&text);
        assert!(!redacted.contains(&secret), "{text} → {redacted}");
    }
}

#[test]
fn json_values_under_sensitive_keys_go_at_any_depth() {
    let redacted = redact_json(json!({
        "user": {"password": "correct horse 9", "pin": 4711, "name": "bob"},
        "list": [{"apiKey": "k-12345678"}, {"client_secret": "zzz-yyy"}],
        "env": [{"name": "DB_PASSWORD", "value": "swordfish"}, {"name": "MODE", "value": "swordfish"}],
        "password": 123_456, "max_tokens": 4096, "token": null, "secret": true, "api_keys": [],
        "inner": "{\"password\":\"swordfish\",\"n\":1.50}",
    }));
    let text = redacted.to_string();
    for gone in ["horse", "4711", "k-12345678", "zzz-yyy", "123456"] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
    assert_eq!(text.matches("swordfish").count(), 1, "{text}");
    assert_eq!(redacted["user"]["name"], "bob");
    assert_eq!(redacted["max_tokens"], 4096);
    assert_eq!(redacted["secret"], true);
    assert!(
        redacted["inner"]
            .as_str()
            .unwrap()
            .ends_with("\",\"n\":1.50}")
    );
    assert_eq!(redact_json(redacted.clone()), redacted);
}

#[test]
fn secrets_in_object_keys_go_and_no_field_is_lost() {
    let token = format!("npm_{}", Random(13).bytes(ALNUM, 36));
    let redacted = redact_json(json!({"a": 1, token.as_str(): 2, "b": 3}));
    let keys: Vec<_> = redacted.as_object().unwrap().keys().collect();
    assert!(
        keys[1].starts_with("[redacted:npm-token:") && keys.len() == 3,
        "{keys:?}"
    );
}

#[test]
fn a_known_format_under_a_sensitive_key_keeps_its_own_id() {
    let token = format!("hf_{}", Random(14).bytes(ALNUM, 34));
    let mut counts = Counts::default();
    let mut value = json!({"token": token, "text": format!("HF_TOKEN={token}")});
    redactor().value(&mut value, &mut counts);
    assert_eq!(
        counts.iter().collect::<Vec<_>>(),
        [("huggingface-token", 2)]
    );
}

#[test]
fn counts_add_up() {
    let mut counts = Counts::default();
    counts.add("one", 1);
    let mut other = Counts::default();
    other.add("one", 2);
    other.add("two", 3);
    counts.merge(&other);
    assert_eq!(
        counts.iter().collect::<BTreeMap<_, _>>(),
        BTreeMap::from([("one", 3), ("two", 3)])
    );
    assert_eq!(counts.total(), 6);
}

#[test]
fn user_rules_replace_and_allow() {
    let rules = UserRules::parse(
        "# ours\n\nrule badge badge number (\\d{6})\nrule acme  acme_[a-z]{4}\nallow hunter2\n",
    )
    .unwrap();
    let redactor = Redactor::with_user_rules(RedactionKey::new([7; 32]), rules);
    let mut counts = Counts::default();
    let redacted = redactor
        .text(
            "é badge number 123456é, acme_abcd, password=\"hunter2\"",
            &mut counts,
        )
        .unwrap();
    assert!(
        redacted.starts_with("é badge number [redacted:badge:"),
        "{redacted}"
    );
    assert!(redacted.ends_with("password=\"hunter2\""), "{redacted}");
    assert_eq!(
        counts.iter().collect::<Vec<_>>(),
        [("acme", 1), ("badge", 1)]
    );
    assert_eq!(redactor.text(&redacted, &mut counts), None);
}

#[test]
fn a_user_rule_that_matches_its_own_mark_stays_idempotent() {
    let rules = UserRules::parse("rule word [a-z]{6,}").unwrap();
    let redactor = Redactor::with_user_rules(RedactionKey::new([7; 32]), rules);
    let once = redactor
        .text("some longer words", &mut Counts::default())
        .unwrap();
    assert_eq!(redactor.text(&once, &mut Counts::default()), None);
}

#[test]
fn a_bad_user_rule_names_its_line_and_itself() {
    for (text, message) in [
        (
            "\nrules x y",
            "line 2: expected `rule <id> <regular expression>` or `allow <value>`, found `rules`",
        ),
        (
            "rule only-an-id",
            "line 1: `rule` needs an id and a regular expression",
        ),
        (
            "rule Bad_Id x",
            "line 1: rule id `Bad_Id` may hold small letters, digits and dashes only, at most 48",
        ),
        (
            "rule any .*",
            "line 1: rule `any` matches the empty text, so it would match everywhere",
        ),
        ("allow", "line 1: `allow` needs a value"),
    ] {
        assert_eq!(UserRules::parse(text).unwrap_err().to_string(), message);
    }
    let unclosed = UserRules::parse("rule open (a").unwrap_err().to_string();
    assert!(
        unclosed.starts_with("line 1: rule `open`: regex parse error"),
        "{unclosed}"
    );
}
