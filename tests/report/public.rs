//! The public sessions, compared with a count that shares no code with the program.

use serde_json::Value;

use super::{report, rows};
use crate::support::env::TestEnv;
use crate::support::independent::{Count, of_sessions};
use crate::support::shared::shared_or_skip;

#[test]
fn a_report_of_the_public_sessions_agrees_with_an_independent_count() {
    let root = shared_or_skip("POSTHOG_LLMA_TRANSCRIPTS", "transcripts", "");
    let Some(root) = root else { return };
    let (sessions, _) = of_sessions(&root);
    let counted = Count::of(&sessions).sum();
    let env = TestEnv::new();
    let root = root.to_string_lossy();
    let report = report(&env, &[&root, "--by", "day"]);
    let total = |name: &str| report["total"].pointer(name).and_then(Value::as_u64);
    for (name, expected) in [("/failed_calls", counted.errors), ("/tools", counted.tools)] {
        assert_eq!(total(name), Some(expected), "{name}");
    }
    // The program also knows calls that are only in Claude Code's own totals.
    for (name, least) in [
        ("/calls", counted.generations + counted.errors),
        ("/tokens/input", counted.input),
        ("/tokens/output", counted.output),
        ("/tokens/cache_read", counted.cache_read),
        ("/tokens/cache_write", counted.cache_write),
        ("/tokens/cache_write_1h", counted.cache_write_1h),
    ] {
        let found = total(name).expect(name);
        assert!(
            found >= least && found < least + least / 1000 + 10,
            "{name}: {found} {least}"
        );
    }
    assert!(rows(&report).is_sorted_by_key(|row| row["name"].as_str()));
}
