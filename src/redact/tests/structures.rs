//! Private keys, headers, addresses, command lines, checksums, truncated secrets.

use super::corpus::Random;
use super::redact;
use crate::redact::text::format::{ALNUM, BASE64};
use crate::redact::values::checks;

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
