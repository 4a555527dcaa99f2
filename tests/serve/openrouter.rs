//! OpenRouter's Broadcast, from a request to PostHog: nothing is lost or counted twice, and
//! OpenRouter's internal facts reach neither events nor disk.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};

use serde_json::{Map, Value, json};
use walkdir::WalkDir;

use super::support::{SOON, Serving};
use crate::receive::support::server::TOKEN;
use crate::support::env::TestEnv;
use crate::support::openrouter::{Destination, Kind, OpenRouter, PLANTED, Request, hex};
use crate::support::posthog::PostHog;
use crate::support::process::wait_for;
use crate::support::stop::Stop;

/// A secret planted in requests, to search for in events and on disk.
const SECRET: &str = crate::receive::support::server::SECRET;

pub(super) fn env_with_token(posthog: &PostHog) -> TestEnv {
    TestEnv::sending_to(posthog).with("POSTHOG_LLMA_SERVE_TOKEN", TOKEN)
}

/// Stops the receiver and sends everything.
pub(super) fn finish(env: &TestEnv, serving: Serving) {
    assert_eq!(serving.stop(Stop::Terminate).code(), Some(0));
    env.run(["flush"]).success();
}

fn collector(serving: &Serving) -> Destination {
    Destination {
        kind: Kind::Collector,
        path: "/v1/traces".to_owned(),
        ..Destination::webhook(serving.address, TOKEN)
    }
}

fn webhook(serving: &Serving) -> Destination {
    Destination::webhook(serving.address, TOKEN)
}

fn trace(fields: &Value) -> Map<String, Value> {
    fields.as_object().expect("an object").clone()
}

/// A conversation with a tool, a cancelled stream, a failed provider, and a free model.
fn play(openrouter: &mut OpenRouter) -> Vec<String> {
    let asked = vec![
        json!({ "role": "system", "content": "You are a shop assistant." }),
        json!({ "role": "user", "content": format!("Is the lamp in stock? My key is {SECRET}") }),
    ];
    let call = json!({ "id": "toolu_01Lamp", "type": "function", "function": { "name": "stock", "arguments": "{\"sku\":\"lamp\"}" } });
    let mut answered = asked.clone();
    answered.extend([
        json!({ "role": "assistant", "content": null, "tool_calls": [call] }),
        json!({ "role": "tool", "tool_call_id": "toolu_01Lamp", "content": "{\"left\":4}" }),
    ]);
    let of_session = Request {
        session: Some("session-1"),
        user: Some("user-1"),
        ..Request::default()
    };
    let requests = [
        Request {
            messages: asked,
            completion: "",
            calls: vec![call],
            tokens: (2489, 2000, 69),
            cost: (0.000_789, 0.000_345),
            ..of_session.clone()
        },
        Request {
            messages: answered,
            completion: "Four are left.",
            tokens: (2600, 2400, 12),
            cost: (0.000_123_456_7, 0.000_060_1),
            trace: trace(
                &json!({ "trace_id": "order-7", "trace_name": "Recommendations", "generation_name": "Answer", "feature": "shopping", "depth": { "a": { "b": 1 } } }),
            ),
            ..of_session.clone()
        },
        Request {
            is_cancelled: true,
            ..of_session
        },
        Request {
            attempts: vec![("Amazon Bedrock", 429), ("Anthropic", 200)],
            tokens: (100, 0, 10),
            cost: (0.1, 0.2),
            ..Request::default()
        },
        Request {
            model: "meta-llama/llama-3.3-70b-instruct:free",
            tokens: (30, 0, 7),
            cost: (0.0, 0.0),
            ..Request::default()
        },
    ];
    let ids = requests.iter().map(|request| openrouter.answer(request));
    ids.collect()
}

fn text_on_disk(env: &TestEnv) -> Vec<u8> {
    let files = WalkDir::new(env.state()).into_iter().filter_map(Result::ok);
    let files = files.filter(|it| it.file_type().is_file());
    files
        .flat_map(|it| fs::read(it.path()).expect("it is ours"))
        .collect()
}

pub(super) fn property<'a>(event: &'a Value, name: &str) -> &'a Value {
    &event["properties"][name]
}

#[test]
fn a_conversation_is_at_posthog_once_with_the_costs_of_openrouter_s_own_books() {
    let posthog = PostHog::start();
    let env = env_with_token(&posthog);
    let serving = Serving::start(&env);
    // With both types of destination set up, each request is delivered twice.
    let put = Destination {
        kind: Kind::Webhook("PUT"),
        path: "/openrouter/".to_owned(),
        ..webhook(&serving)
    };
    let mut openrouter = OpenRouter::delivering_to([webhook(&serving), collector(&serving), put]);
    let ids = play(&mut openrouter);
    assert!(openrouter.statuses.iter().all(|it| *it == 200));
    finish(&env, serving);

    assert_eq!(posthog.duplicates(), Vec::<String>::new());
    let calls = posthog.named("$ai_generation");
    let books = openrouter.books;
    let sum = |name: &str| -> u64 {
        let counts = calls.iter().filter_map(|it| property(it, name).as_u64());
        counts.sum()
    };
    let cost = |call: &Value| property(call, "$ai_total_cost_usd").as_f64().unwrap_or(0.0);
    let costs: f64 = calls.iter().map(cost).sum();
    assert_eq!(
        (calls.len() as u64, costs.to_bits()),
        (books.requests, books.cost.to_bits())
    );
    assert_eq!(
        (
            sum("$ai_input_tokens"),
            sum("$ai_cache_read_input_tokens"),
            sum("$ai_output_tokens")
        ),
        (books.input, books.cached, books.output)
    );
    // The application that made a request knows the id of its span.
    let spans = calls.iter().map(|it| property(it, "$ai_span_id").clone());
    let spans: Vec<Value> = spans.collect();
    assert_eq!(
        spans,
        ids.iter()
            .map(|id| Value::from(hex(id, 16)))
            .collect::<Vec<_>>()
    );
    assert_eq!(
        property(&calls[1], "$ai_trace_id"),
        &json!(hex("order-7", 32))
    );
    let tools = posthog.named("$ai_span");
    let tool = tools
        .iter()
        .find(|it| *property(it, "$ai_span_name") == "stock");
    let tool = tool.expect("the tool");
    assert_eq!(property(tool, "$ai_output_state"), &json!({ "left": 4 }));
    assert_eq!(
        property(tool, "$ai_parent_id"),
        property(&calls[0], "$ai_span_id")
    );

    hides_secrets(&env, &posthog, &ids[0]);
}

/// Asserts that no planted text is in an event, on the disk, or in the output about a request.
fn hides_secrets(env: &TestEnv, posthog: &PostHog, id: &str) {
    let events = json!(posthog.events()).to_string();
    let disk = text_on_disk(env);
    for secret in [PLANTED, SECRET] {
        assert!(!events.contains(secret), "{secret} in {events}");
        assert!(
            memchr::memmem::find(&disk, secret.as_bytes()).is_none(),
            "{secret}"
        );
    }
    // Compressed data on disk contain none either.
    let shown = env.run(["show", &hex(id, 32), "--json"]).success();
    shown.never_mentions(PLANTED).never_mentions(SECRET);
}

#[test]
fn the_buttons_of_its_settings_are_answered_and_leave_no_event() {
    let posthog = PostHog::start();
    let env = env_with_token(&posthog);
    let serving = Serving::start(&env);
    let put = Destination {
        kind: Kind::Webhook("PUT"),
        path: "/v1/traces".to_owned(),
        ..webhook(&serving)
    };
    for destination in [webhook(&serving), put, collector(&serving)] {
        assert_eq!(destination.test_connection(), 200, "{destination:?}");
        assert_eq!(destination.send_trace(), 200, "{destination:?}");
    }
    finish(&env, serving);
    assert_eq!(posthog.events(), Vec::<Value>::new());
    env.run(["status"])
        .says("3 connection tests by OpenRouter, last ")
        .says("3 test requests by OpenRouter, last ");
    env.run(["doctor"])
        .says("the last test of the connection came ");
}

#[test]
fn the_made_up_request_is_sent_if_that_is_asked_for() {
    let posthog = PostHog::start();
    let env = env_with_token(&posthog);
    let serving = Serving::start_with(&env, &["--openrouter-tests"]);
    assert_eq!(webhook(&serving).send_trace(), 200);
    finish(&env, serving);
    let calls = posthog.named("$ai_generation");
    let names: Vec<&Value> = calls
        .iter()
        .map(|it| property(it, "$ai_span_name"))
        .collect();
    assert_eq!(names, ["Test Generation"]);
}

#[test]
fn a_wrong_token_is_refused_once_and_a_header_of_the_user_s_choice_may_hold_the_right_one() {
    let posthog = PostHog::start();
    let env = env_with_token(&posthog);
    let serving = Serving::start_with(&env, &["--token-header", "X-Team"]);
    for (header, status) in [
        (
            "Authorization: Bearer wrong-wrong-wrong-wrong".to_owned(),
            401,
        ),
        ("X-Other: 1".to_owned(), 401),
        (format!("X-Team: {TOKEN}"), 200),
    ] {
        let destination = Destination {
            headers: vec![header.clone()],
            ..webhook(&serving)
        };
        assert_eq!(destination.test_connection(), status, "{header}");
        let mut openrouter = OpenRouter::delivering_to([destination]);
        openrouter.answer(&Request::default());
        assert_eq!(openrouter.statuses, [status], "{header}");
    }
    finish(&env, serving);
    assert_eq!(posthog.named("$ai_generation").len(), 1);
}

#[test]
fn requests_of_other_keys_are_answered_left_out_and_counted() {
    let posthog = PostHog::start();
    let env = env_with_token(&posthog);
    let serving = Serving::start_with(&env, &["--openrouter-key", "production"]);
    let mut openrouter = OpenRouter::delivering_to([webhook(&serving)]);
    for key_name in ["production", "playground", "", "playground"] {
        openrouter.answer(&Request {
            key_name,
            ..Request::default()
        });
    }
    assert_eq!(openrouter.statuses, [200; 4]);
    finish(&env, serving);
    assert_eq!(posthog.named("$ai_generation").len(), 1);
    env.run(["status"])
        .says("2 requests: route main: made with the OpenRouter key \"playground\"")
        .says("1 request: route main: made with an OpenRouter key that is not named");
    env.run(["doctor"]).never_mentions("playground: problem");
}

/// A user may enter the key itself as its name.
#[test]
fn a_secret_in_the_name_of_a_key_reaches_neither_disk_nor_terminal() {
    let posthog = PostHog::start();
    let env = env_with_token(&posthog);
    let serving = Serving::start_with(&env, &["--openrouter-key", "production"]);
    let mut openrouter = OpenRouter::delivering_to([webhook(&serving)]);
    openrouter.answer(&Request {
        key_name: SECRET,
        ..Request::default()
    });
    finish(&env, serving);
    env.run(["status"])
        .says("made with the OpenRouter key")
        .never_mentions(SECRET);
    let disk = text_on_disk(&env);
    assert!(memchr::memmem::find(&disk, SECRET.as_bytes()).is_none());
}

#[test]
fn openrouter_s_own_privacy_mode_and_sampling_are_kept() {
    const SESSIONS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    let posthog = PostHog::start();
    let env = env_with_token(&posthog);
    let serving = Serving::start(&env);
    let private = Destination {
        privacy_mode: true,
        sampling_rate: 0.5,
        ..webhook(&serving)
    };
    let mut openrouter = OpenRouter::delivering_to([private]);
    for session in [SESSIONS, SESSIONS].concat() {
        openrouter.answer(&Request {
            session: Some(session),
            ..Request::default()
        });
    }
    finish(&env, serving);
    let calls = posthog.named("$ai_generation");
    assert_eq!(calls.len(), openrouter.statuses.len());
    assert!(!calls.is_empty() && calls.len() < 12, "{}", calls.len());
    for call in &calls {
        let content = ["$ai_input", "$ai_output_choices"].map(|name| property(call, name));
        assert_eq!(content, [&Value::Null, &Value::Null]);
        assert_eq!(property(call, "$ai_total_cost_usd"), 0.000_045);
        let session = property(call, "$ai_session_id");
        let same = calls
            .iter()
            .filter(|it| property(it, "$ai_session_id") == session);
        assert_eq!(same.count(), 2, "a session is there as a whole");
    }
}

#[test]
fn ten_megabytes_are_taken_and_cut_down_without_losing_structure() {
    let posthog = PostHog::start();
    let env = env_with_token(&posthog);
    let serving = Serving::start(&env);
    let words = "A long document about lamps. ".repeat(10_000_000 / 29);
    let mut openrouter = OpenRouter::delivering_to([webhook(&serving)]);
    openrouter.answer(&Request {
        messages: vec![
            json!({ "role": "system", "content": "Be brief." }),
            json!({ "role": "user", "content": words }),
            json!({ "role": "user", "content": "What is it about?" }),
        ],
        completion: "Lamps.",
        ..Request::default()
    });
    assert_eq!(openrouter.statuses, [200]);
    finish(&env, serving);
    let calls = posthog.named("$ai_generation");
    let [call] = &calls[..] else {
        panic!("{} calls", calls.len());
    };
    assert!(call.to_string().len() < 1_000_000);
    let roles = property(call, "$ai_input").as_array().expect("messages");
    let roles: Vec<&Value> = roles.iter().map(|it| &it["role"]).collect();
    assert_eq!(roles, ["system", "user", "user"]);
    assert_eq!(property(call, "$ai_output_choices")[0]["role"], "assistant");
    assert_eq!(property(call, "$ai_total_cost_usd"), 0.000_045);
}

#[test]
fn setup_makes_a_token_says_what_to_enter_and_waits_for_the_test() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    let own = ["setup", "--openrouter", "--url"];
    env.run(own.into_iter().chain(["http://llma.example.com"]))
        .code(2)
        .complains("use the https address");
    let said = env.root().join("messages of setup");
    let setup = env.command(own.into_iter().chain(["http://127.0.0.1:4318"]));
    let mut setup = setup.spawn_read(File::create(&said).expect("it is ours"));
    let stdout = BufReader::new(setup.stdout.take().expect("a pipe"));
    let lines: Vec<String> = stdout.lines().take(4).map(|it| it.expect("text")).collect();
    let file = env.config().join("posthog-llma/openrouter.token");
    let token = fs::read_to_string(&file).expect("the token");
    assert_eq!(
        lines[1..],
        [
            "URL      http://127.0.0.1:4318/openrouter".to_owned(),
            "Method   POST".to_owned(),
            format!("Headers  {{\"Authorization\":\"Bearer {}\"}}", token.trim()),
        ]
    );
    // The terminal decides where lines end.
    let said = || {
        let said = fs::read_to_string(&said).expect("it is ours");
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    // Setup checks once whether a receiver is running; until then, none may be.
    wait_for("setup waits", SOON, || {
        said().contains("press Test Connection").then_some(())
    });
    let serving = Serving::start_with(&env, &["--token-file", &file.to_string_lossy()]);
    let test_with = |token| Destination::webhook(serving.address, token).test_connection();
    assert_eq!(test_with("mistyped"), 401);
    wait_for("setup says so", SOON, || {
        said()
            .contains("a request was refused: wrong token")
            .then_some(())
    });
    assert_eq!(test_with(token.trim()), 200);
    let setup = RefCell::new(setup);
    let ended = wait_for("setup ends", SOON, || {
        setup.borrow_mut().try_wait().expect("it is ours")
    });
    assert_eq!(ended.code(), Some(0));
    let said = said();
    assert!(
        said.contains("start it in another terminal: posthog-llma serve --token-file"),
        "{said}"
    );
    assert!(said.contains("the test of the connection came"), "{said}");
}
