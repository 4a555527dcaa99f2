//! A database with sessions of the real OpenCode 1 and 2, as after an upgrade.

use std::path::PathBuf;

use posthog_llma::sources::{self, SessionRef};

use crate::support::events::hangs_together;
use crate::support::library::Run;
use crate::support::shared::shared_or_skip;

fn database_or_skip() -> Option<PathBuf> {
    let database = "opencode/both-generations/opencode.db";
    shared_or_skip("POSTHOG_LLMA_CASES", "cases", database)
}

#[test]
fn the_sessions_of_both_generations_are_found_and_counted() {
    let Some(path) = database_or_skip() else {
        return;
    };
    let mut found = sources::below(&path).found;
    found.sort_by_key(SessionRef::started_at);
    let figures = found.iter().map(|found| {
        let events = Run::default().events(&found.locator.path());
        hangs_together(&events);
        let calls = events.iter().filter(|it| it["event"] == "$ai_generation");
        let calls = calls.map(|it| &it["properties"]);
        let input = calls.clone().map(|it| it["$ai_input_tokens"].as_u64());
        (calls.count(), input.map(Option::unwrap_or_default).sum())
    });
    let figures: Vec<(usize, u64)> = figures.collect();
    assert_eq!(
        figures,
        [(2, 300), (1, 120), (0, 0), (2, 300)],
        "three of version 1, of which nothing was asked of one, and one of version 2"
    );
}
