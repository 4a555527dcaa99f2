//! Who gets an answer.

use super::support::{FIXTURES, Page};
use crate::support::env::TestEnv;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

#[test]
fn only_the_browser_with_the_token_gets_an_answer() {
    let page = Page::open(&TestEnv::new(), &[FIXTURES]);
    let own = ("Host", page.host.as_str());
    let cookie = ("Cookie", page.cookie());
    let other = page.cookie().replace('=', "=0");
    let port = page.host.rsplit(':').next().unwrap_or_default();
    let [localhost, rebound] = ["localhost", "evil.example"].map(|name| format!("{name}:{port}"));
    let neighbour = format!("http://127.0.0.1:{port}1");
    for path in [
        "/",
        "/page.js",
        "/api/machine",
        "/api/sessions",
        "/api/delivery",
    ] {
        for (method, headers, expected) in [
            ("GET", vec![own, cookie], 200),
            ("GET", vec![("Host", &localhost), cookie], 200),
            (
                "GET",
                vec![own, cookie, ("Sec-Fetch-Site", "same-origin")],
                200,
            ),
            ("GET", vec![own], 401),
            ("GET", vec![own, ("Cookie", &other)], 401),
            ("GET", vec![own, ("Authorization", &page.token)], 401),
            ("GET", vec![("Host", &rebound), cookie], 403),
            ("GET", vec![cookie], 403),
            (
                "GET",
                vec![own, cookie, ("Sec-Fetch-Site", "cross-site")],
                403,
            ),
            (
                "GET",
                vec![own, cookie, ("Sec-Fetch-Site", "same-site")],
                403,
            ),
            (
                "GET",
                vec![own, cookie, ("Origin", "https://evil.example")],
                403,
            ),
            ("GET", vec![own, cookie, ("Origin", &neighbour)], 403),
            ("POST", vec![own, cookie, ("Content-Length", "0")], 405),
            ("PUT", vec![own, cookie, ("Content-Length", "0")], 405),
            ("DELETE", vec![own, cookie], 405),
            (
                "OPTIONS",
                vec![own, cookie, ("Access-Control-Request-Method", "GET")],
                405,
            ),
        ] {
            let answer = page.send(method, path, &headers);
            let case = format!("{method} {path} {headers:?}");
            assert_eq!(answer.status, expected, "{case}");
            assert_eq!(answer.header("access-control-allow-origin"), None, "{case}");
            for (name, value) in [
                ("content-security-policy", POLICY),
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("cache-control", "no-store"),
            ] {
                assert_eq!(answer.header(name), Some(value), "{case}");
            }
            if expected != 200 {
                assert!(
                    answer.body.contains("posthog-llma view") || expected == 405,
                    "{case}"
                );
                assert!(!answer.body.contains("bookshop"), "{case}: {}", answer.body);
            }
        }
    }
}

#[test]
fn a_wrong_token_is_no_token() {
    let page = Page::open(&TestEnv::new(), &[FIXTURES]);
    let own = ("Host", page.host.as_str());
    let half = &page.token[..page.token.len() / 2];
    for token in ["", "0", half, &format!("{}0", page.token)] {
        let answer = page.send("GET", &format!("/?token={token}"), &[own]);
        assert_eq!(answer.status, 401, "{token}");
        assert_eq!(answer.header("set-cookie"), None, "{token}");
    }
    assert!(page.token.len() >= 32, "it cannot be guessed");
}

#[test]
fn unknown_paths_and_sessions_say_what_to_do() {
    let page = Page::open(&TestEnv::new(), &[FIXTURES]);
    for (path, status) in [
        ("/nothing", 404),
        ("/../Cargo.toml", 404),
        ("/api/nothing", 404),
        ("/api/session?session=claude-code%2Fnothing", 404),
        ("/api/events?session=claude-code%2Fnothing", 404),
        ("/api/events", 400),
        ("/api/usage?by=weather", 400),
        ("/api/sessions?since=yesterday", 400),
    ] {
        let answer = page.get(path);
        assert_eq!(answer.status, status, "{path}");
        let answer: serde_json::Value = serde_json::from_str(&answer.body).expect("it is JSON");
        assert!(
            answer["error"].is_string() && answer["fix"].is_string(),
            "{path}: {answer}"
        );
    }
}

#[test]
fn it_listens_on_this_machine_alone_and_not_for_agents() {
    let env = TestEnv::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let outcome = env.run(["view", "--no-open", "--listen", address]).code(2);
        outcome.complains("other machines");
    }
    let inside = env.command(["view", "--no-open"]).env("CLAUDECODE", "1");
    inside
        .run()
        .code(2)
        .complains("does not run inside a coding agent");
}
