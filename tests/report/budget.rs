//! `--fail-over`: a budget for scripts.

use super::{FIXTURES, HOUR};
use crate::support::env::TestEnv;
use crate::support::session::Session;

#[test]
fn a_budget_that_was_not_kept_is_an_exit_status_of_its_own() {
    let env = TestEnv::new();
    let session = Session::write_ago(HOUR * 100, &env, 1, 3);
    let tokens = session.output_tokens() + 18 + 42 + 30;
    let [kept, exceeded] = [tokens, tokens - 1].map(|it| format!("{it}tokens"));
    for (budget, code) in [
        ("0.000001", 3),
        ("$1000", 0),
        ("1000", 0),
        (kept.as_str(), 0),
        (exceeded.as_str(), 3),
        ("many", 2),
    ] {
        let outcome = env.run(["report", "--fail-over", budget]).code(code);
        if code == 3 {
            outcome.complains("over the budget");
        }
    }
}

#[test]
fn a_budget_of_dollars_is_not_kept_for_certain_where_a_price_is_unknown() {
    let env = TestEnv::new();
    let session = Session::write_ago(HOUR * 100, &env, 1, 1);
    let text = std::fs::read_to_string(&session.path).expect("it is there");
    let text = text.replace("claude-sonnet-5", "our-own-model");
    std::fs::write(&session.path, text).expect("it is ours");
    let run = env.run(["report", "--fail-over", "$1000"]).code(1);
    run.complains("2 calls whose price is unknown (our-own-model)");
    env.run(["report", "--fail-over", "10G"]).success();
    env.run(["report"]).success().says("unknown");
    let over = env.run(["report", FIXTURES, "--fail-over", "$0.00001"]);
    over.code(3);
}

/// Claude Code did not record the tokens of a call that it cut off, for example.
#[test]
fn no_budget_is_kept_for_certain_where_tokens_are_unknown() {
    let env = TestEnv::new();
    let session = Session::write_ago(HOUR * 100, &env, 1, 1);
    let text = std::fs::read_to_string(&session.path).expect("it is there");
    let text = text.replace("\"usage\":{", "\"usage\":null,\"was\":{");
    std::fs::write(&session.path, text).expect("it is ours");
    for budget in ["0tokens", "10G", "$1000"] {
        let run = env.run(["report", "--fail-over", budget]).code(1);
        let run = run.complains("2 calls whose tokens the agent did not record");
        run.never_mentions("whose price is unknown");
    }
}
