//! What holds whatever the text.

use std::collections::BTreeMap;

use super::super::corpus::{self, HARMLESS, Random};
use super::super::format::ALNUM;
use super::super::{Counts, RedactionKey, Redactor, work};
use super::{redact, redactor};

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
        ":\n  ",
        "Default: ",
        "{\n",
        "\"\"",
        "!!str ",
        "${",
        ":-",
        " / ",
        "<auth-user-pass>\n",
        "login with ",
        "| ConvertTo-SecureString",
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

/// Bytes looked at to redact this text.
fn work_for(text: &str) -> u64 {
    work::take();
    redact(text);
    work::take()
}

const LENGTH: usize = 60_000;

/// Which of [`HOSTILE`] cost more than `most` times as much as other text, when a text is made of each.
fn costly(most: u64, made_of: fn(&str) -> String) -> Vec<String> {
    const ORDINARY: &str = "    let response = client.get(url).header(\"accept\", \"text/plain\").send().await?;\n\
        I'll read the configuration first, then change how the retry policy counts its attempts.\n\
        {\"type\":\"assistant\",\"usage\":{\"input_tokens\":1204,\"output_tokens\":88},\"key\":\"a1\"}\n\
        export PATH=/usr/bin:$PATH; cargo test tokenizer::splits --features secret-store\n";
    let ordinary = work_for(&made_of(ORDINARY));
    let times = |beginning: &&'static str| (*beginning, work_for(&made_of(beginning)) / ordinary);
    HOSTILE
        .iter()
        .map(times)
        .filter(|(_, times)| *times > most)
        .map(|(beginning, times)| format!("{beginning:?}: {times} times"))
        .collect()
}

#[test]
fn hostile_text_that_repeats_itself_costs_at_most_ten_times_as_much_as_other_text() {
    let costly = costly(10, |beginning| beginning.repeat(LENGTH / beginning.len()));
    assert!(costly.is_empty(), "{costly:#?}");
}

/// With a number after each beginning, which may be a secret, or makes one of what stands before it.
fn numbered(beginning: &str, length: usize) -> String {
    let numbers = (0..).map(|number: usize| format!("{beginning}{:03x} ", number * 617 % 4096));
    numbers.take(length / (beginning.len() + 4)).collect()
}

#[test]
fn hostile_text_that_does_not_repeat_itself_costs_a_bounded_multiple() {
    let costly = costly(25, |beginning| numbered(beginning, LENGTH));
    assert!(costly.is_empty(), "{costly:#?}");
}

/// The end of a short text cuts off some looks; what grows with the square of the length costs
/// eight times as much for each byte of the long one.
#[test]
fn what_hostile_text_costs_does_not_grow_with_the_square_of_its_length() {
    const TIMES: usize = 8;
    for beginning in HOSTILE {
        let work = |length| usize::try_from(work_for(&numbered(beginning, length))).unwrap();
        let (short, long) = (work(8_000), work(8_000 * TIMES));
        assert!(long <= short * TIMES * 4, "{beginning:?}: {short}, {long}");
    }
}

/// What is looked for begins like this, in text of nothing else.
const HOSTILE: &[&str] = &[
    "mysql -p",
    "mysql -pa",
    "sshpass -p ",
    "docker login -p ",
    "curl -u a:b ",
    "password a VALUES (",
    "set password ",
    "password:\"a\\",
    "api_key: \"",
    "apiKey: ",
    "-u a -p ",
    "secret = ",
    "requirepass ",
    "gitea token ",
    "token=\"",
    "token='",
    "https://a:b@",
    "(password) VALUES ('a'),",
    "eyJ",
    "sk-",
    "xoxb-",
    "MTA",
    "token=",
    "auth=",
    "token: ",
    "token\t",
    "a,token\n",
    "password ",
    "password:",
    "password=\"'",
    "password = '",
    "password: 'a",
    "password: Optional[",
    "password: |\n",
    "name: password\n",
    "\"name\":\"password\",",
    "{\"token\":",
    "\\\"token\\\":\\\"",
    "--token ",
    "const password: ",
    "<key>password</key>",
    "Authorization: x=\"",
    "kind: Secret\n",
    "curl -u ",
    "token is ",
    "IDENTIFIED BY '",
    ":5432:",
    "://a:",
    "https://a:b",
    "datadog:",
    "datadog_key=",
    "sentry: ",
    "okta ",
    "okta: ",
    "$6$",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
];

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
