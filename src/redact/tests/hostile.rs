//! Cost of hostile text, made of nothing but anchors, in counted bytes.

use super::corpus::Random;
use super::redact;
use crate::redact::text::format::ALNUM;
use crate::redact::text::work;

/// Bytes read to redact a text.
fn work_for(text: &str) -> u64 {
    work::take();
    redact(text);
    work::take()
}

/// The beginnings in [`HOSTILE`] whose repetition costs more than `most` times as much as other text.
fn costly(most: u64, made_of: impl Fn(&str) -> String) -> Vec<String> {
    const ORDINARY: &str = "    let response = client.get(url).header(\"accept\", \"text/plain\").send().await?;\n\
        I'll read the configuration first, then change how the retry policy counts its attempts.\n\
        {\"type\":\"assistant\",\"usage\":{\"input_tokens\":1204,\"output_tokens\":88},\"key\":\"a1\"}\n\
        export PATH=/usr/bin:$PATH; cargo test tokenizer::splits --features secret-store\n";
    let per_byte = |text: &str| (work_for(text), text.len() as u64);
    let (ordinary, ordinary_bytes) = per_byte(&repeated(ORDINARY, 60_000));
    let times = |beginning: &&'static str| {
        let (work, bytes) = per_byte(&made_of(beginning));
        (*beginning, work * ordinary_bytes / (ordinary * bytes))
    };
    HOSTILE
        .iter()
        .map(times)
        .filter(|(_, times)| *times > most)
        .map(|(beginning, times)| format!("{beginning:?}: {times} times"))
        .collect()
}

fn repeated(text: &str, length: usize) -> String {
    text.repeat(length / text.len())
}

#[test]
fn hostile_text_that_repeats_itself_costs_at_most_ten_times_as_much_as_other_text() {
    let costly = costly(10, |beginning| repeated(beginning, 60_000));
    assert!(costly.is_empty(), "{costly:#?}");
}

/// Values after each beginning, all different: some are secrets, or make the text before them one.
#[derive(Clone, Copy, Debug)]
enum Values {
    Decimal,
    Hexadecimal,
    Random(usize),
}

impl Values {
    /// A text that repeats `beginning`, a value and `end`.
    fn after(self, beginning: &str, end: &str, length: usize) -> String {
        let mut random = Random(7);
        let (mut text, mut number) = (String::new(), 0_usize);
        while text.len() < length {
            let value = match self {
                Self::Decimal => number.to_string(),
                Self::Hexadecimal => format!("{:x}", number * 617 % (1 << 24)),
                Self::Random(length) => random.bytes(ALNUM, length),
            };
            text.extend([beginning, &value, end]);
            number += 1;
        }
        text
    }
}

#[test]
fn hostile_text_whose_values_all_differ_costs_a_bounded_multiple() {
    // Values, and the largest multiple of the cost of other text.
    const VALUES: &[(Values, u64)] = &[
        (Values::Decimal, 18),
        (Values::Hexadecimal, 20),
        (Values::Random(8), 30),
        (Values::Random(20), 26),
        (Values::Random(40), 26),
    ];
    for (values, most) in VALUES {
        for end in [" ", "\n"] {
            let costly = costly(*most, |beginning| values.after(beginning, end, 12_000));
            assert!(costly.is_empty(), "{values:?} {end:?}: {costly:#?}");
        }
    }
}

/// Quadratic growth would cost eight times as much per byte in the long text. Some detectors stop
/// early at the end of the short one.
#[test]
fn the_cost_of_hostile_text_grows_linearly() {
    const TIMES: usize = 8;
    for beginning in HOSTILE {
        let work = |length| {
            let text = Values::Hexadecimal.after(beginning, " ", length);
            usize::try_from(work_for(&text)).unwrap()
        };
        let (short, long) = (work(8_000), work(8_000 * TIMES));
        assert!(long <= short * TIMES * 4, "{beginning:?}: {short}, {long}");
    }
}

/// Beginnings of secrets, repeated to hostile texts.
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
    "password=",
    "token=`",
    "[\"token\",",
    "token(",
    "token,",
    "|token|",
    "<token>",
    "<password ",
    "password\\n",
    "password => ",
    "token:\n",
    "- name: TOKEN\n",
    "Bearer ",
    "Basic ",
    "echo $",
    "eyJa.",
    "datadog ",
    "ghp_",
    "AKIA",
    "password:Final[",
    "var token string ",
    "Cookie: a",
    "token:{",
    "token:[",
    "machine a login b password ",
    "login(\"",
    "{\"username\":\"a\",\"key\":\"",
    "API-",
    "0x",
    "00D",
    "-----END",
    "CREATE USER ",
    "%2B",
    "token%3D",
    "hooks.slack.com/",
    "data:\n  a: ",
    "password: >-\n",
    "\"password\": \"",
    "key = ",
    "key: ",
    "phrase: a ",
    "token||",
    "${token:-",
    "define('TOKEN', ",
    "getenv(\"TOKEN\", ",
    "values (",
    "aptoken=",
    "x|",
    "(password) VALUES ",
    "host a\npass b\n",
    "password for a: ",
    "NAME_TOKEN  ",
    "  token  ",
    "--password=",
    "export TOKEN=",
    "x.token=",
    "AKIAAKIA",
    "echo a | sudo -S",
    "|password|b|\n",
];
