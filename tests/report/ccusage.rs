//! Prices compared with those of ccusage, offline. `npm ci --prefix tests/report/npm` installs it;
//! without it these tests pass and say so.

use std::collections::BTreeMap;
use std::env::consts::EXE_SUFFIX;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use walkdir::WalkDir;

use super::{report, rows};
use crate::support::env::TestEnv;
use crate::support::shared::shared_or_skip;

/// Tolerated difference in dollars: a tenth of a cent.
const CLOSE: f64 = 0.001;

/// Models whose calls ccusage counts differently. It also counts the files of subagents whose
/// session is missing (Sonnet 4.6), and skips lines of JSON with a space after the colon (Opus
/// 4.5).
const COUNTED_OTHERWISE: [&str; 2] = ["claude-opus-4-5-20251101", "claude-sonnet-4-6"];

/// Cost of web searches in dollars, which ccusage does not count.
const SEARCHES: [(&str, f64); 1] = [("claude-opus-4-8", 0.02)];

/// Tokens and dollars of a model.
#[derive(Debug, Default)]
struct Sum {
    tokens: u64,
    usd: f64,
}

/// The installed ccusage: that of `POSTHOG_LLMA_CCUSAGE`, else the one that npm installed beside this
/// file.
fn ccusage_or_skip() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("POSTHOG_LLMA_CCUSAGE") {
        let named = PathBuf::from(named);
        assert!(named.is_file(), "POSTHOG_LLMA_CCUSAGE names no file");
        return Some(named);
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/npm");
    let installed = here.join("node_modules/@ccusage/ccusage-linux-x64/bin/ccusage");
    if installed.exists() {
        return Some(installed);
    }
    // Written past the test harness, which hides the output of passing tests.
    let _ = io::stderr().write_all(
        b"skipped: ccusage is not installed; run npm ci --prefix tests/report/npm, or name it in \
          POSTHOG_LLMA_CCUSAGE\n",
    );
    None
}

/// The sums of ccusage over the sessions of an environment, by model.
fn theirs(ccusage: &Path, env: &TestEnv) -> BTreeMap<String, Sum> {
    // npm installs it without the permission to execute.
    let name = format!("ccusage{EXE_SUFFIX}");
    let program = env.write_executable(name, fs::read(ccusage).expect("it can be read"));
    let mut command = Command::new(program);
    command.args(["claude", "daily", "--json", "--offline", "--breakdown"]);
    command.args(["--mode", "calculate", "--timezone", "UTC"]);
    let printed = env.other(command).run().success().stdout;
    let printed: Value = serde_json::from_str(&printed).expect("it prints JSON");
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    for day in printed["daily"].as_array().expect("there are days") {
        for model in day["modelBreakdowns"].as_array().expect("models") {
            let name = model["modelName"].as_str().expect("a name").to_owned();
            let sum = sums.entry(name).or_default();
            let kinds = ["input", "output", "cacheRead", "cacheCreation"];
            let tokens = kinds.map(|it| model[format!("{it}Tokens")].as_u64().unwrap_or(0));
            sum.tokens += tokens.iter().sum::<u64>();
            sum.usd += model["cost"].as_f64().unwrap_or(0.0);
        }
    }
    sums
}

/// The sums of this program, by model.
fn ours(env: &TestEnv) -> BTreeMap<String, Sum> {
    let report = report(env, &["--by", "model"]);
    let with_tokens = rows(&report).iter().filter_map(|row| {
        let numbers = &row["numbers"];
        let kinds = ["input", "output", "cache_read", "cache_write"];
        let tokens = kinds.map(|it| numbers["tokens"][it].as_u64().unwrap_or(0));
        let sum = Sum {
            tokens: tokens.iter().sum(),
            usd: numbers["cost"]["usd"].as_f64().unwrap_or(0.0),
        };
        Some((row["name"].as_str()?.to_owned(), sum)).filter(|(_, sum)| sum.tokens > 0)
    });
    with_tokens.collect()
}

/// Anthropic's models in the table of prices.
fn models() -> Vec<String> {
    let list = include_str!("../../src/models/prices/list.csv");
    let rows = list
        .lines()
        .filter_map(|row| row.strip_prefix("anthropic,"));
    let names = rows.filter_map(|row| row.split(',').next());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.dedup();
    names
}

#[test]
fn a_call_of_every_kind_of_token_costs_the_same() {
    let Some(ccusage) = ccusage_or_skip() else {
        return;
    };
    let env = TestEnv::new();
    let mut transcript = String::new();
    let prompt = json!({
        "type": "user", "uuid": "u-0", "sessionId": "s", "cwd": env.project(),
        "timestamp": "2026-11-20T12:00:00.000Z", "version": "2.1.100",
        "message": { "role": "user", "content": "hello" },
    });
    let _ = writeln!(transcript, "{prompt}");
    for (index, model) in models().iter().enumerate() {
        let line = json!({
            "type": "assistant", "uuid": format!("a-{index}"), "parentUuid": "u-0",
            "sessionId": "s", "cwd": env.project(), "version": "2.1.100",
            "timestamp": "2026-11-20T12:00:01.000Z", "requestId": format!("req_{index}"),
            "message": {
                "id": format!("msg_{index}"), "type": "message", "role": "assistant",
                "model": model, "stop_reason": "end_turn",
                "content": [{ "type": "text", "text": "hi" }],
                "usage": {
                    "input_tokens": 10_000, "output_tokens": 20_000,
                    "cache_read_input_tokens": 30_000, "cache_creation_input_tokens": 40_000,
                    "cache_creation": {
                        "ephemeral_5m_input_tokens": 15_000, "ephemeral_1h_input_tokens": 25_000,
                    },
                },
            },
        });
        let _ = writeln!(transcript, "{line}");
    }
    env.write(
        "home/.claude/projects/p/00000000-0000-4000-8000-000000000001.jsonl",
        transcript,
    );
    let (ours, theirs) = (ours(&env), theirs(&ccusage, &env));
    let mut compared = 0;
    for (model, ours) in &ours {
        // A price of zero means that ccusage has none.
        let Some(theirs) = theirs.get(model).filter(|it| it.usd > 0.0) else {
            continue;
        };
        assert_eq!(ours.tokens, theirs.tokens, "{model}");
        assert!(
            (ours.usd - theirs.usd).abs() < CLOSE,
            "{model}: {ours:?} {theirs:?}"
        );
        compared += 1;
    }
    assert!(compared >= 10, "{compared} of {}: {theirs:?}", ours.len());
}

#[test]
fn the_public_sessions_cost_the_same_by_model() {
    let Some(ccusage) = ccusage_or_skip() else {
        return;
    };
    let root = shared_or_skip("POSTHOG_LLMA_TRANSCRIPTS", "transcripts", "");
    let Some(root) = root else { return };
    let env = TestEnv::new();
    let transcripts = WalkDir::new(&root).into_iter().flatten();
    let is_transcript = |path: &Path| path.extension().is_some_and(|it| it == "jsonl");
    for entry in transcripts.filter(|it| is_transcript(it.path())) {
        let inside = entry.path().strip_prefix(&root).expect("below it");
        let text = fs::read(entry.path()).expect("it can be read");
        env.write(Path::new("home/.claude/projects").join(inside), text);
    }
    let (ours, theirs) = (ours(&env), theirs(&ccusage, &env));
    let mut compared = 0;
    for (model, ours) in &ours {
        let Some(theirs) = theirs.get(model).filter(|it| it.usd > 0.0) else {
            continue;
        };
        let is_alike = ours.tokens == theirs.tokens;
        assert!(
            is_alike || COUNTED_OTHERWISE.contains(&model.as_str()),
            "{model}: {ours:?} {theirs:?}"
        );
        if is_alike {
            let searches = SEARCHES.iter().find(|(searching, _)| searching == model);
            let searches = searches.map_or(0.0, |(_, usd)| *usd);
            assert!(
                (ours.usd - searches - theirs.usd).abs() < CLOSE,
                "{model}: {ours:?} {theirs:?}"
            );
            compared += 1;
        }
    }
    assert!(compared >= 4, "{ours:?} {theirs:?}");
}
