//! Starting: access is decided first, and an obstacle is reported with the next step.

use std::net::TcpListener;

use super::sends::{body, call};
use super::support::Serving;
use crate::receive::support::server::TOKEN;
use crate::support::env::TestEnv;
use crate::support::stop::Stop;

#[test]
fn what_prevents_it_is_said_with_the_next_step() {
    let env = TestEnv::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().map(|it| (taken, it.to_string()));
    let (_listener, busy) = taken.expect("an address");
    let short = env.write("short", "secret");
    let short = short.to_string_lossy();
    for (arguments, part) in [
        (
            &["--listen", &busy][..],
            "choose another port with --listen",
        ),
        (&["--listen", "127.0.0.1"], "use an address and a port"),
        (
            &["--listen", "0.0.0.0:0"],
            "use --token-file FILE or POSTHOG_LLMA_SERVE_TOKEN",
        ),
        (&["--listen", "[::]:0"], "needs a token"),
        (&["--listen", "192.0.2.1:0"], "needs a token"),
        (&["--token-file", "missing"], "--token-file missing: "),
        (
            &["--token-file", &short],
            "a token has at least 16 characters",
        ),
    ] {
        let arguments = ["serve"].iter().chain(arguments);
        env.run(arguments).code(2).complains(part);
    }
    let short_variable = env
        .command(["serve"])
        .env("POSTHOG_LLMA_SERVE_TOKEN", "short");
    short_variable
        .run()
        .code(2)
        .complains("POSTHOG_LLMA_SERVE_TOKEN is too short");
    let file = env.write("no folder", "");
    let unusable = env.command(["serve"]).env("POSTHOG_LLMA_STATE_DIR", file);
    unusable.run().code(1).complains("no folder");
}

#[test]
fn one_process_receives_for_a_state_directory() {
    let env = TestEnv::new();
    let serving = Serving::start(&env);
    let second = env.run(["serve", "--listen", "127.0.0.1:0"]);
    second
        .code(2)
        .complains("another posthog-llma serve receives for");
    serving.kill();
    Serving::start(&env).take(&body(&[call(1, 1, 0)]));
}

#[test]
fn a_token_is_needed_where_one_is_set_however_it_is_set() {
    let env = TestEnv::new();
    let file = env.write("token", format!("{TOKEN}\n"));
    let file = file.to_string_lossy().into_owned();
    let by_variable = TestEnv::new().with("POSTHOG_LLMA_SERVE_TOKEN", TOKEN);
    for serving in [
        Serving::start_with(&env, &["--token-file", &file]),
        Serving::start(&by_variable),
    ] {
        let (json, body) = ("Content-Type: application/json", body(&[call(1, 1, 0)]));
        let bearer = format!("Authorization: Bearer {TOKEN}");
        let header = format!("X-PostHog-Llma-Token: {TOKEN}");
        for (credentials, status) in [
            ("X-Other: 1", 401),
            ("Authorization: Bearer phc_a_key_of_a_project", 401),
            (bearer.as_str(), 200),
            (header.as_str(), 200),
        ] {
            let answer = serving.ask(&[json, credentials], &body);
            assert_eq!(answer.status, status, "{credentials}: {}", answer.text());
        }
    }
}

#[test]
fn web_pages_and_bombs_are_refused_and_the_reasons_shown() {
    let env = TestEnv::new();
    let serving = Serving::start(&env);
    let (json, body) = ("Content-Type: application/json", body(&[call(1, 1, 0)]));
    let bomb = crate::receive::support::made::gzip(&vec![b' '; 97 << 20]);
    for (headers, body, status) in [
        (&[json, "Origin: https://example.com"][..], &body, 403),
        (&[json, "Host: rebound.example.com"], &body, 403),
        (&[json, "Content-Encoding: gzip"], &bomb, 413),
        (&[json], &body, 200),
    ] {
        let answer = serving.ask(headers, body);
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
    }
    assert_eq!(serving.stop(Stop::Terminate).code(), Some(0));
    env.run(["status"])
        .says("1 request: sent by a web page")
        .says("1 request: too large");
    env.run(["doctor"])
        .says("1 request refused: a Host that is not this machine")
        .says("send to localhost, or use a token");
}

#[test]
fn a_damaged_inbox_is_set_aside_and_said() {
    let env = TestEnv::new();
    env.write("state/inbox.db", "no database");
    let serving = Serving::start(&env);
    serving.take(&body(&[call(1, 1, 0)]));
    let said = serving.said();
    assert!(said.contains("inbox.db.corrupt-1"), "{said}");
    assert!(said.contains("that were not sent yet are lost"), "{said}");
    env.run(["status"])
        .says("inbox.db.corrupt-1 was damaged and set aside");
    env.run(["doctor"]).says("what waited in it is not sent");
}

#[cfg(unix)]
#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    let env = TestEnv::new();
    let serving = Serving::start_limited(&env, 2048);
    let mut random = fastrand::Rng::with_seed(1);
    let mut noise = || -> String { (0..20_000).map(|_| random.alphabetic()).collect() };
    let mut taken = 0;
    let refused = loop {
        let mut span = call(1, taken + 1, 0);
        span["name"] = noise().into();
        let answer = serving.ask(&["Content-Type: application/json"], &body(&[span]));
        match answer.status {
            200 => taken += 1,
            _ => break answer,
        }
        assert!(taken < 1000, "the disk is never full");
    };
    assert_eq!((refused.status, refused.header("retry-after")), (503, "10"));
    serving.kill();
    let serving = Serving::start(&env);
    serving.take(&body(&[call(1, taken + 1, 0)]));
    let show = env
        .run(["show", "00000000000000000000000000000001"])
        .success();
    show.says(&format!("{} calls", taken + 1));
}
