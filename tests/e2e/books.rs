//! Sessions whose books exceed the sum of their lines.

use crate::e2e::balance::{
    answered, assert_all_is_sent, assert_balanced, assert_each_was_answered, assert_equal,
    is_background, sent,
};
use crate::e2e::{SOON, generations, posthog_and_claude};
use crate::support::anthropic::CALLS_OF_TOOLS;

#[test]
fn the_calls_of_a_compaction_are_sent_as_background_calls() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    claude.prompt("TOOLS").success();
    claude.again(&["--continue"], "and once more").success();
    assert_eq!(assert_each_was_answered(&claude, &posthog), 0);
    claude.again(&["--continue"], "/compact").success();
    let calls = assert_each_was_answered(&claude, &posthog);
    assert_ne!(calls, 0, "the compaction called the model");
    assert_balanced(&claude, &posthog);
    let mut background = posthog.events();
    background.retain(is_background);
    assert_eq!(background.len(), 1, "one for each model and end of session");

    claude.again(&["--continue"], "after it").success();
    assert_balanced(&claude, &posthog);
    assert_eq!(assert_each_was_answered(&claude, &posthog), calls);
}

#[test]
fn what_a_session_and_its_fork_send_together_is_what_was_answered() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    claude.prompt("TOOLS").success();
    let original = claude.session().id();
    let fork = ["--resume", &original, "--fork-session"];
    claude.again(&fork, "another way").success();
    let sessions = claude.sessions();
    let fork = sessions.iter().find(|session| session.id() != original);
    let fork = fork.expect("the fork has a file of its own").id();
    claude
        .again(&["--resume", &original], "as it was")
        .success();
    assert_all_is_sent(&claude, &posthog);
    assert_eq!(assert_each_was_answered(&claude, &posthog), 0);
    for (session, calls) in [(&original, CALLS_OF_TOOLS + 1), (&fork, 1)] {
        assert_eq!(generations(&posthog.of_session(session)), calls);
    }

    // From its second run on, the books of a fork show its own usage.
    claude.again(&["--resume", &fork], "/compact").success();
    let calls = assert_each_was_answered(&claude, &posthog);
    assert_ne!(calls, 0, "the compaction called the model");
}

/// The first books of a fork include the usage of its original, background calls too, without
/// stating how much that was. Usage in no line is left out, so that nothing is counted twice.
#[test]
fn background_calls_in_the_first_run_of_a_fork_are_not_sent() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    claude.prompt("TOOLS").success();
    claude.again(&["--continue"], "and once more").success();
    let (original, before) = (claude.session().id(), claude.api.answered().len());
    let fork = ["--resume", &original, "--fork-session"];
    claude.again(&fork, "/compact").success();
    let answers = claude.api.answered();
    let (in_lines, compaction) = answers.split_at(before);
    assert_ne!(compaction.len(), 0, "the compaction called the model");
    assert_equal(&[
        ("PostHog", sent(&posthog.events())),
        ("in lines", answered(in_lines)),
    ]);
}

#[cfg(unix)]
#[test]
fn the_call_that_titles_a_session_is_sent_as_a_background_call() {
    use crate::e2e::claude::Claude;
    use crate::e2e::cli_or_skip;
    use crate::support::posthog::PostHog;

    let Some(cli) = cli_or_skip() else { return };
    let posthog = PostHog::start();
    let claude = Claude::with_plugin(&cli)
        .sending_to(&posthog)
        .with_all_traffic();
    let terminal = claude.open(&["please look at the file hello.txt"]);
    claude.wait_for_line(SOON, |line| line["type"] == "ai-title");
    claude.wait_for_line(SOON, |line| {
        line["type"] == "assistant" && line["message"]["content"][0]["type"] == "text"
    });
    terminal.terminate();
    posthog.wait_until(SOON, |events| events.iter().any(is_background));
    assert_balanced(&claude, &posthog);
    assert_eq!(assert_each_was_answered(&claude, &posthog), 1);
}

/// Claude Code writes its books when it ends: they never include the usage of a killed run.
#[test]
fn what_a_killed_run_used_is_sent_though_no_books_have_it() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    let mut killed = claude.start("TOOLS, then HANG");
    claude.api.wait_for_calls(2, SOON);
    killed.kill().expect("it is running");
    killed.wait().expect("it has ended");
    claude.again(&["--continue"], "and once more").success();
    let answers = claude.api.answered();
    assert_equal(&[
        ("Claude Code", claude.session().totals()),
        ("the last call", answered(&answers[1..])),
    ]);
    assert_all_is_sent(&claude, &posthog);

    // It is not taken for usage in the books either.
    claude.again(&["--continue"], "/compact").success();
    assert_ne!(assert_each_was_answered(&claude, &posthog), 0);
    assert_all_is_sent(&claude, &posthog);
}
