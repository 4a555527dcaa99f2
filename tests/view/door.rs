//! Access to the page.

use super::support::{Answer, FIXTURES, Page};
use crate::support::env::TestEnv;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// Checks the headers of every answer.
#[track_caller]
fn is_strict(answer: &Answer, case: &str) {
    assert_eq!(answer.header("access-control-allow-origin"), None, "{case}");
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{case}");
    }
    let is_secret = answer.status == 200 || !answer.body.contains("bookshop");
    assert!(is_secret, "{case}: {}", answer.body);
}

#[test]
fn only_the_browser_with_the_token_gets_an_answer() {
    let page = Page::open(&TestEnv::new(), &[FIXTURES]);
    let own = ("Host", page.host.as_str());
    let cookie = ("Cookie", page.cookie());
    let other = page.cookie().replace('=', "=0");
    let port = page.host.rsplit(':').next().unwrap_or_default();
    let [localhost, rebound] = ["localhost", "evil.example"].map(|name| format!("{name}:{port}"));
    let neighbour = format!("http://127.0.0.1:{port}1");
    for (method, name, value, expected) in [
        ("GET", "Accept", "*/*", 200),
        ("GET", "Host", &localhost, 200),
        ("GET", "Sec-Fetch-Site", "same-origin", 200),
        ("GET", "Cookie", "", 401),
        ("GET", "Cookie", &other, 401),
        ("GET", "Host", &rebound, 403),
        ("GET", "Host", "", 403),
        ("GET", "Sec-Fetch-Site", "cross-site", 403),
        ("GET", "Sec-Fetch-Site", "same-site", 403),
        ("GET", "Origin", "https://evil.example", 403),
        ("GET", "Origin", &neighbour, 403),
        ("POST", "Content-Length", "0", 405),
        ("PUT", "Content-Length", "0", 405),
        ("DELETE", "Accept", "*/*", 405),
        ("OPTIONS", "Access-Control-Request-Method", "GET", 405),
    ] {
        let mut headers = vec![own, cookie];
        headers.retain(|(known, _)| *known != name);
        headers.push((name, value));
        for path in [
            "/",
            "/page.js",
            "/api/machine",
            "/api/sessions",
            "/api/delivery",
        ] {
            let answer = page.send(method, path, &headers);
            let case = format!("{method} {path} {name}: {value}");
            assert_eq!(answer.status, expected, "{case}");
            is_strict(&answer, &case);
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
