//! `posthog-llma run` around the real Claude Code.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::balance::assert_balanced;
use super::claude::Claude;
use super::{cli_or_skip, posthog_and_claude};
use crate::support::anthropic::CALLS_OF_TOOLS;
use crate::support::env::{Outcome, PROGRAM};
use crate::support::posthog::PostHog;

fn prompt(claude: &Claude, cli: &Path, more: &[&str]) -> Outcome {
    let cli = cli.to_string_lossy();
    let usual = ["run", "--usage-file", "usage.json", "--", &cli, "-p"];
    let always = ["--dangerously-skip-permissions", "TOOLS"];
    claude
        .program(usual.iter().chain(more).chain(&always))
        .run()
}

fn usage(claude: &Claude) -> Value {
    let text = fs::read_to_string(claude.project().join("usage.json")).expect("it was written");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn without_a_plugin_a_session_is_sent_before_run_returns() {
    let Some(cli) = cli_or_skip() else { return };
    let posthog = PostHog::start();
    let directory = Path::new(PROGRAM).parent().expect("it is in a directory");
    let claude = Claude::without_plugin(&cli, directory);
    claude.write("home/.claude/settings.json", "{}");
    let claude = claude.sending_to(&posthog);
    prompt(&claude, &cli, &[]).success();
    // At once, without waiting.
    assert_eq!(posthog.named("$ai_generation").len(), CALLS_OF_TOOLS);
    assert_eq!(posthog.named("$ai_trace").len(), 1);
    assert_balanced(&claude, &posthog);
    let usage = usage(&claude);
    assert_eq!(usage["total"]["calls"], CALLS_OF_TOOLS);
    let sessions = usage["command"]["sessions"].as_array().map(Vec::len);
    assert_eq!(sessions, Some(1));
}

#[test]
fn with_a_plugin_nothing_is_sent_twice_and_only_what_is_new_is_told() {
    let Some(cli) = cli_or_skip() else { return };
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    prompt(&claude, &cli, &[]).success();
    prompt(&claude, &cli, &["--continue"]).success();
    assert_balanced(&claude, &posthog);
    assert_eq!(posthog.named("$ai_generation").len(), 2 * CALLS_OF_TOOLS);
    assert_eq!(usage(&claude)["total"]["calls"], CALLS_OF_TOOLS);
}
