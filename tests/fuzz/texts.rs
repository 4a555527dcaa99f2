//! Texts and JSON with secrets at random places.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value};

use super::engine::Input;
use super::sessions::{SEEDS, lines_of};

/// Beginnings of secrets and their bodies, which are not real.
pub(crate) const SECRETS: [[&str; 2]; 9] = [
    ["ghp_", "q7Rt2LwX9vKp4ZsN8mYb3HcD6gFj1aQe5uT0"],
    [
        "github_pat_",
        "11A7QK2LP0h3Wm9VxT4sRz_b8NcYe6UfJ1oDgXq5HtZ7iEa2LkPw4MrSvB9nC3yG0uQ6",
    ],
    [
        "sk-ant-api03-",
        "Kq7Zt2LwX9vRp4sN8mYb3HcD6gFj1aQe5uT0-Jx_2WkVo7Rd9Tz4Pq8Ln3Bm6Yc1Hs5Gf0Ea7Ui2Ow9Ix4Cv8Ny3Mz6AA",
    ],
    ["AKIA", "Q7RT2LWX5VKP4ZSN"],
    ["glpat-", "Zt7Lw2Xv9Kp4Ns8Yb3Hc"],
    ["sk_live_", "51Hq7Rt2LwX9vKp4ZsN8mYb3Hc"],
    ["npm_", "q7Rt2LwX9vKp4ZsN8mYb3HcD6gFj1aQe5uT0"],
    [
        "xoxb-",
        "283746159203-5918273640918-Kq7Zt2LwX9vRp4sN8mYb3HcD",
    ],
    ["AIza", "SyQ7Rt2LwX9vKp4ZsN8mYb3HcD6gFj1aQe5"],
];

/// Fragments of secrets, marks and examples at which rules begin to match.
const PIECES: [&str; 60] = [
    "password=",
    "\"password\": \"",
    "passwd: ",
    "PASSWORD='",
    "api_key",
    "apiKey=",
    "token ",
    "secret:",
    "Authorization: Bearer ",
    "authorization: Basic ",
    "bearer ",
    "Cookie: sid=",
    "client_secret",
    "=",
    ":",
    " ",
    "\"",
    "'",
    "`",
    "\\\"",
    "\\n",
    "\\",
    "\n",
    "\t",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    ",",
    ";",
    "@",
    "/",
    "https://ada:",
    "postgres://ada:",
    "://",
    "-----BEGIN RSA PRIVATE KEY-----\n",
    "-----END RSA PRIVATE KEY-----",
    "-----",
    "MIIEpAIBAAKCAQEA7Rt2LwX9vKp4ZsN8mYb3",
    "hunter2!A9",
    "curl -u ada:",
    " --user ",
    "datadog",
    "bitbucket ",
    "[redacted:",
    "[redacted:password:3f2a]",
    "3f2a",
    "ghp_",
    "sk-",
    "AKIA",
    "eyJhbGciOiJIUzI1NiJ9.",
    "…",
    "ä",
    "EXAMPLE",
    "xxxx",
    "0123456789abcdef0123456789abcdef",
];

/// Characters directly before and after a secret.
const EDGES: [&str; 14] = [
    " ", "\n", "\t", "\"", "'", "`", "=", ":", ",", "(", ")", ";", "\\n", "ä",
];

/// An input of the redactor.
#[derive(Clone, Debug)]
pub(crate) struct Given(pub(crate) Value);

impl Input for Given {
    fn keep(&self, path: &Path) {
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("it is writable");
        fs::write(path, self.0.to_string()).expect("it is writable");
    }

    fn kept(path: &Path) -> Self {
        let text = fs::read(path).expect("it can be read");
        Self(serde_json::from_slice(&text).expect("it was kept as JSON"))
    }
}

/// Texts, and values that hold them as keys and fields.
pub(crate) fn values() -> impl Strategy<Value = Given> {
    let leaf = prop_oneof![
        8 => text().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    let value = leaf.prop_recursive(4, 24, 5, |inner| {
        let key = prop_oneof![
            4 => select(vec!["password", "token", "name", "key", "value", "text", "authorization", "pin"])
                .prop_map(str::to_owned),
            1 => text(),
        ];
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((key, inner), 0..5)
                .prop_map(|fields| Value::from(fields.into_iter().collect::<Map<_, _>>())),
        ]
    });
    value.prop_map(Given)
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => select(&PIECES[..]).prop_map(str::to_owned),
        2 => vec(any::<char>(), 0..8).prop_map(String::from_iter),
        2 => (select(&SECRETS[..]), any::<[Index; 2]>()).prop_map(|([prefix, body], [before, after])| {
            format!("{}{prefix}{body}{}", before.get(&EDGES), after.get(&EDGES))
        }),
        1 => any::<[Index; 4]>().prop_map(|at| passage(&at)),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// A few words of a transcript.
fn passage([seed, file, line, word]: &[Index; 4]) -> String {
    let files: Vec<&Vec<u8>> = seed.get(&SEEDS).0.values().collect();
    let lines = lines_of(files[file.index(files.len())]);
    let line = String::from_utf8_lossy(lines[line.index(lines.len())]);
    let characters: Vec<char> = line.chars().collect();
    let from = word.index(characters.len());
    characters[from..].iter().take(40).collect()
}
