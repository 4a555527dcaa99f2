//! A word or a secret, planted in every place of a session that can hold content.

mod claude_code;
mod opencode;
mod pi;

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::library::Run;
use crate::support::posthog::Fault;
use crate::support::scene::Scene;

/// Kind of the content in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A prompt, context, or the input of a tool or model.
    Input,
    /// The output of a model or tool.
    Output,
    /// Derived from inputs and outputs, either of them, or one of them in a place of the other.
    Both,
    /// A name that is always sent: of a tool, of a branch.
    Name,
    /// Never sent.
    Nothing,
}

impl Holds {
    /// Whether it is sent when inputs, and when outputs, are recorded.
    const fn is_sent(self, inputs: bool, outputs: bool) -> bool {
        match self {
            Self::Input => inputs,
            Self::Output => outputs,
            Self::Both => inputs && outputs,
            Self::Name => true,
            Self::Nothing => false,
        }
    }
}

/// A place of a session, with the kind of its content.
type Place = (&'static str, Holds);

/// Writes a session with the given text in every place. Returns its folder and path.
type WriteSession = fn(&dyn Fn(&str) -> String) -> (TempDir, PathBuf);

/// A session of one agent with a planted text in every place.
struct Planted {
    agent: &'static str,
    places: &'static [Place],
    session: WriteSession,
}

const AGENTS: [Planted; 3] = [
    Planted {
        agent: "Claude Code",
        places: claude_code::PLACES,
        session: claude_code::session,
    },
    Planted {
        agent: "Pi",
        places: pi::PLACES,
        session: pi::session,
    },
    Planted {
        agent: "OpenCode",
        places: opencode::PLACES,
        session: opencode::session,
    },
];

/// A unique word.
fn word(place: &str) -> String {
    format!("xylophone-{place}-quagga")
}

/// The places whose words a run sends.
fn found(planted: &Planted, transcript: &Path, run: &Run) -> Vec<&'static str> {
    let sent = String::from_utf8(run.lines(transcript)).expect("JSON");
    let places = planted.places.iter().map(|(place, _)| *place);
    places.filter(|place| sent.contains(&word(place))).collect()
}

/// Settings, and whether inputs and outputs are recorded with them.
type Recorded = (&'static [(&'static str, &'static str)], bool, bool);

/// The ways to record content.
const RECORDINGS: [Recorded; 5] = [
    (&[], true, true),
    (&[("POSTHOG_LLMA_PRIVACY_MODE", "true")], false, false),
    (&[("POSTHOG_LLMA_RECORD_INPUTS", "false")], false, true),
    (&[("POSTHOG_LLMA_RECORD_OUTPUTS", "false")], true, false),
    (
        &[
            ("POSTHOG_LLMA_RECORD_INPUTS", "false"),
            ("POSTHOG_LLMA_RECORD_OUTPUTS", "false"),
        ],
        false,
        false,
    ),
];

#[test]
fn of_every_place_exactly_what_is_recorded_is_sent() {
    let mut wrong = Vec::new();
    for planted in &AGENTS {
        let (_folder, transcript) = (planted.session)(&word);
        for (settings, inputs, outputs) in RECORDINGS {
            let sent = |holds: &Holds| holds.is_sent(inputs, outputs);
            let places = planted.places.iter();
            let places = places.filter(|(_, holds)| sent(holds));
            let expected: Vec<&str> = places.map(|(place, _)| *place).collect();
            for scope in ["new", "full"] {
                for grouping in ["session", "message"] {
                    let mut settings = settings.to_vec();
                    settings.push(("POSTHOG_LLMA_INPUT", scope));
                    settings.push(("POSTHOG_LLMA_TRACE_GROUPING", grouping));
                    let mut expected = expected.clone();
                    if grouping == "message" {
                        // Only the trace of a session has its title.
                        expected.retain(|place| *place != "title");
                    }
                    let found = found(planted, &transcript, &Run::with(&settings));
                    let missing = without(&expected, &found);
                    let strange = without(&found, &expected);
                    if !(missing.is_empty() && strange.is_empty()) {
                        let agent = planted.agent;
                        wrong.push(format!(
                            "{agent}, {settings:?}: missing {missing:?}, not to be sent {strange:?}"
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn without<'a>(places: &[&'a str], others: &[&str]) -> Vec<&'a str> {
    let places = places.iter().copied();
    places.filter(|place| !others.contains(place)).collect()
}

#[test]
fn a_call_without_recorded_inputs_keeps_its_name_and_id() {
    let (_folder, transcript) = claude_code::session(&word);
    let events = Run::with(&[("POSTHOG_LLMA_RECORD_INPUTS", "false")]).events(&transcript);
    let calls: Vec<&Value> = events
        .iter()
        .filter_map(|event| event["properties"]["$ai_output_choices"].as_array())
        .flatten()
        .filter_map(|message| message["content"].as_array())
        .flatten()
        .filter(|part| part["type"] == "function")
        .collect();
    let names = calls
        .iter()
        .filter_map(|call| call["function"]["name"].as_str());
    let names: Vec<&str> = names.collect();
    let planted = word("tool-name");
    let expected = [
        "Read",
        "Agent",
        "Bash",
        "ExitPlanMode",
        "WebSearch",
        &planted,
    ];
    assert_eq!(names, expected);
    for call in calls {
        assert!(call["id"].is_string(), "{call}");
        let arguments = call["function"].get("arguments");
        assert!(arguments.is_some_and(Value::is_null), "{call}");
    }
}

#[test]
fn a_secret_in_any_place_of_a_session_is_replaced() {
    // Concatenated, so that scanners do not take it for a real one.
    let token = ["ghp", "_", "1B4kQ7mZt0Rr9Yw2Xc5Vb8Nn3Lk6Jh1Gf4Ds"].concat();
    let custom = format!(r#"{{"note":"{token}","deep":{{"list":["{token}"]}}}}"#);
    let cases = [("session", "new"), ("message", "full")];
    let cases = cases
        .iter()
        .flat_map(|case| AGENTS.iter().map(move |agent| (case, agent)));
    for ((grouping, scope), planted) in cases {
        let (_folder, transcript) = (planted.session)(&|place| format!("{place} {token} end"));
        let run = Run::with(&[
            ("POSTHOG_LLMA_TRACE_GROUPING", grouping),
            ("POSTHOG_LLMA_INPUT", scope),
            ("POSTHOG_LLMA_CUSTOM_PROPERTIES", &custom),
            ("POSTHOG_TAGS", &format!("tag:{token}")),
            ("POSTHOG_PROJECT_NAME", &format!("project {token}")),
            ("POSTHOG_AGENT_NAME", &format!("agent {token}")),
            ("POSTHOG_AI_PURPOSE", &format!("purpose {token}")),
        ]);
        let events = run.events(&transcript);
        assert!(!events.is_empty());
        for event in &events {
            each_text(event, &mut |text| {
                assert!(!text.contains(&token), "{text} in {event}");
            });
        }
        assert!(
            events
                .iter()
                .any(|event| event.to_string().contains("[redacted:github-"))
        );
    }
}

/// Every string of a value, including names of fields.
fn each_text(value: &Value, check: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => check(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, check)),
        Value::Object(fields) => {
            for (name, field) in fields {
                check(name);
                each_text(field, check);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn no_secret_of_a_session_is_written_to_the_state_directory() {
    let token = ["ghp", "_", "1B4kQ7mZt0Rr9Yw2Xc5Vb8Nn3Lk6Jh1Gf4Ds"].concat();
    let (_folder, transcript) = claude_code::session(&|place| format!("{place} {token} end"));
    let scene = Scene::on(|env| env.with("POSTHOG_PROJECT_NAME", format!("project {token}")));
    // No server accepts the events, so all of them stay in the outbox, with the checkpoint.
    scene.posthog.set(Fault::LoginPage);
    let ingest = scene
        .env
        .command(["ingest".as_ref(), transcript.as_os_str()]);
    ingest.run().code(1);
    let mut files = 0;
    for file in walkdir::WalkDir::new(scene.env.state())
        .into_iter()
        .filter_map(Result::ok)
    {
        if file.file_type().is_file() {
            let bytes = std::fs::read(file.path()).expect("readable");
            let found = memchr::memmem::find(&bytes, token.as_bytes());
            assert_eq!(found, None, "{}", file.path().display());
            files += 1;
        }
    }
    assert!(files > 0);
}
