//! The real Claude Code with the plugin installed, from the first prompt to the events at the
//! double. `npm ci --prefix tests/e2e` installs it; without it these tests pass and say so.

mod balance;
mod books;
mod claude;
#[cfg(unix)]
mod committed;
#[cfg(target_os = "linux")]
mod exits;
#[cfg(unix)]
mod from_source;
#[cfg(unix)]
mod harness;
#[cfg(unix)]
mod run;
#[cfg(unix)]
mod surroundings;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod waiting;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Once;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::anthropic::{CALLS_OF_BACKGROUND, CALLS_OF_SUBAGENT, CALLS_OF_TOOLS, SECRET};
use crate::support::env::API_KEY;
use crate::support::posthog::{Fault, PostHog};
use balance::{assert_all_is_sent, assert_balanced, sent};
use claude::Claude;

/// Time that Claude Code gives all `SessionEnd` hooks together.
const HOOK_BUDGET: Duration = Duration::from_millis(1_500);
/// Time limit of a detached process on a busy machine.
const SOON: Duration = Duration::from_mins(1);
/// More than the hour of silence after which a session is swept up.
const TWO_HOURS: Duration = Duration::from_hours(2);

/// The installed Claude Code; without it, prints why the tests do nothing.
fn cli_or_skip() -> Option<PathBuf> {
    static SAID: Once = Once::new();
    let cli = claude::cli();
    if cli.is_none() {
        // Written past the test harness, which hides the output of passing tests.
        SAID.call_once(|| {
            let _ = io::stderr().write_all(
                b"skipped: Claude Code is not installed; run npm ci --prefix tests/e2e, \
                  or name it in POSTHOG_LLMA_E2E_CLAUDE\n",
            );
        });
    }
    cli
}

/// Claude Code with the plugin installed, and the PostHog that it sends to; `None` without Claude
/// Code.
fn posthog_and_claude() -> Option<(PostHog, Claude)> {
    let cli = cli_or_skip()?;
    let posthog = PostHog::start();
    let claude = Claude::with_plugin(&cli).sending_to(&posthog);
    Some((posthog, claude))
}

fn generations(events: &[Value]) -> usize {
    let names = events.iter().map(|event| &event["event"]);
    names.filter(|name| *name == "$ai_generation").count()
}

#[test]
fn a_finished_session_is_delivered_with_the_totals_of_claude_code() {
    let Some(cli) = cli_or_skip() else { return };
    for (prompt, calls, models) in [
        ("hello", 1, 1),
        ("TOOLS", CALLS_OF_TOOLS, 1),
        ("SUBAGENT", CALLS_OF_SUBAGENT, 2),
        ("BACKGROUND", CALLS_OF_BACKGROUND, 2),
    ] {
        let posthog = PostHog::start();
        let claude = Claude::with_plugin(&cli).sending_to(&posthog);
        claude.prompt(prompt).success().never_mentions("hook");

        let session = claude.session();
        assert_balanced(&claude, &posthog);
        assert_eq!(sent(&posthog.events()).len(), models, "{prompt}");
        assert_eq!(posthog.named("$ai_generation").len(), calls, "{prompt}");
        assert_eq!(posthog.named("$ai_trace").len(), 1, "{prompt}");
        assert_eq!(posthog.duplicates(), [""; 0], "{prompt}");
        assert_eq!(posthog.of_session(&session.id()), posthog.events());
        let sent = format!("{:?}", posthog.events());
        assert!(!sent.contains(SECRET), "{prompt}: a secret was sent");
    }
}

#[test]
fn the_hook_sends_a_session_within_the_budget_of_claude_code() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    claude.prompt("SUBAGENT").success();
    let event = json!({
        "session_id": claude.session().id(),
        "transcript_path": claude.session().path,
        "cwd": claude.project(),
        "hook_event_name": "SessionEnd",
        "reason": "other",
    });
    // The same session once more, at a PostHog that knows nothing of it.
    let fresh = PostHog::start();
    let state = claude.root().join("fresh").display().to_string();
    let claude = claude
        .setting("POSTHOG_HOST", &fresh.url())
        .setting("POSTHOG_LLMA_STATE_DIR", &state);
    claude
        .program(["hook"])
        .stdin(event.to_string())
        .run()
        .success()
        .silent()
        .within(HOOK_BUDGET);
    assert_balanced(&claude, &fresh);
    assert_eq!(fresh.merged().len(), posthog.merged().len());
}

#[test]
fn a_resumed_session_sends_only_what_is_new() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    claude.prompt("TOOLS").success();
    claude.again(&["--continue"], "and once more").success();
    assert_balanced(&claude, &posthog);
    let generations = posthog.named("$ai_generation").len();
    assert_eq!(generations, CALLS_OF_TOOLS + 1, "each was sent once");
}

#[test]
fn the_status_command_shows_what_the_program_says() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    claude
        .claude(["-p", "/posthog:llma-cc-status"])
        .run()
        .success()
        .never_mentions("permission");
    let said = claude.program(["status"]).run().success().stdout;
    let host = posthog.url();
    assert!(said.contains(&host), "the status names {host}: {said}");
    let prompts = format!("{:?}", claude.api.calls());
    assert!(prompts.contains(&host), "the conversation has the status");
}

#[test]
fn a_session_that_is_paused_with_the_slash_command_is_not_sent() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    let pause = claude.claude(["-p", "/posthog:llma-cc-pause"]).run();
    pause.success().never_mentions("permission");
    let prompts = format!("{:?}", claude.api.calls());
    assert!(prompts.contains("is paused"), "the conversation says so");
    let paused = claude.session();
    claude.prompt("hello").success();
    posthog.wait_until(SOON, |events| generations(events) == 1);
    assert_eq!(posthog.of_session(&paused.id()).len(), 0);
    let status = claude.program(["status"]).run().success();
    status.says("is paused since");
}

#[test]
fn the_doctor_sees_what_claude_code_does() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    claude.prompt("TOOLS").success();
    let outcome = claude.program(["doctor"]).run().success();
    outcome.says("nothing needs you");
    claude.write(
        "project/.claude/settings.json",
        r#"{"disableAllHooks":true}"#,
    );
    claude.prompt("hello").success();
    assert_eq!(posthog.named("$ai_trace").len(), 1, "no hook ran");
    let outcome = claude.program(["doctor"]).run().code(1);
    outcome.says("disableAllHooks is set in");
}

#[test]
fn after_setup_sessions_arrive_and_after_remove_they_do_not() {
    let Some(cli) = cli_or_skip() else { return };
    let posthog = PostHog::start();
    let claude = Claude::with_plugin(&cli);
    let url = posthog.url();
    let set_up = claude.program(["setup", "--host", &url, "--key", "-"]);
    set_up.stdin(API_KEY).run().success();
    claude.prompt("hello").success();
    // The test call of the set-up, and that of the session.
    posthog.wait_until(SOON, |events| generations(events) == 2);

    claude.program(["setup", "--remove"]).run().success();
    let before = posthog.count();
    claude.prompt("hello again").success();
    assert_eq!(posthog.count(), before);
}

#[test]
fn a_key_that_the_plugin_was_given_is_enough() {
    let Some(cli) = cli_or_skip() else { return };
    let posthog = PostHog::start();
    let claude = Claude::with_plugin(&cli);
    let host = format!("host={}", posthog.url());
    let key = format!("api_key={API_KEY}");
    let install = ["plugin", "install", "posthog@posthog-llma"];
    let options = [
        "--config",
        &key,
        "--config",
        &host,
        "--config",
        "privacy_mode=true",
    ];
    let install = install.into_iter().chain(options);
    claude
        .claude(install)
        .run()
        .success()
        .never_mentions(API_KEY);
    claude.prompt("hello").success();
    posthog.wait_until(SOON, |events| generations(events) == 1);
    let generation = posthog.named("$ai_generation").remove(0);
    assert!(generation["properties"]["$ai_output_choices"].is_null());
}

#[test]
fn nobody_waits_for_a_posthog_that_never_answers_and_nothing_is_lost() {
    let Some(cli) = cli_or_skip() else { return };
    let mut posthog = PostHog::start();
    let claude = Claude::with_plugin(&cli).sending_to(&posthog);
    posthog.set(Fault::NoAnswer);
    claude
        .prompt("TOOLS")
        .success()
        .never_mentions("Hook cancelled")
        .never_mentions("hook");
    assert_eq!(posthog.events().len(), 0);

    // The server comes back, and a process that still waits for an answer notices.
    posthog.heal();
    posthog.restart();
    claude.program(["flush"]).run().success();
    posthog.wait_until(SOON, |events| generations(events) == CALLS_OF_TOOLS);
    assert_balanced(&claude, &posthog);
    assert_eq!(posthog.duplicates(), [""; 0]);
}

#[test]
fn the_next_session_delivers_one_that_was_killed() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    let mut killed = claude.start("TOOLS, then HANG");
    // The first call was answered, the tools have run, the second call hangs.
    claude.api.wait_for_calls(2, SOON);
    killed.kill().expect("it is running");
    killed.wait().expect("it has ended");
    let session = claude.session();
    assert_eq!(posthog.of_session(&session.id()).len(), 0);

    session.age(TWO_HOURS);
    claude.prompt("hello").success();
    posthog.wait_until(SOON, |events| generations(events) == 2);
    let of_killed = posthog.of_session(&session.id());
    assert_eq!(generations(&of_killed), 1);
    assert_all_is_sent(&claude, &posthog);
    assert_eq!(posthog.duplicates(), [""; 0]);
}
