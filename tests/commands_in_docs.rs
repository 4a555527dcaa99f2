//! Every command that a document shows is run by a test.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::env::{PROGRAM, TestEnv};
use clap::Parser;
use clap::error::ErrorKind;
use posthog_llma::cli::Cli;
use walkdir::WalkDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Commands in blocks that this test runs unchanged.
const RUN_HERE: &[&str] = &[
    "cargo run --release -- show fixtures/sessions/-home-ada-bookshop/00000004-*.jsonl",
    "cargo run --release -- ingest --dry-run fixtures/sessions",
    "posthog-llma ingest --all --output - | your-loader",
    "posthog-llma report --by branch --since 30d",
];

/// Tests of the jobs for clusters, in Python: `.ci/run` runs them.
const TESTS_OF_CLUSTERS: &str = "examples/spark/test_session_events.py";

/// Tests of every way to install, in Python: `.ci/run` runs them.
const INSTALLERS: &str = "tests/install/test_install.py";

/// The other commands in blocks, with the test that runs them, or the reason why none does.
const RUN_ELSEWHERE: &[(&str, &str)] = &[
    (
        "cargo install --locked --path .",
        "tests/e2e/from_source.rs",
    ),
    (
        "claude plugin marketplace add ./plugin",
        "tests/e2e/from_source.rs",
    ),
    ("posthog-llma setup", "tests/e2e/from_source.rs"),
    (
        "claude plugin marketplace add posthog-llma/posthog-llma",
        INSTALLERS,
    ),
    ("claude plugin install posthog@posthog-llma", INSTALLERS),
    ("npx posthog-llma setup", INSTALLERS),
    ("claude plugin marketplace update posthog-llma", INSTALLERS),
    ("claude plugin update posthog@posthog-llma", INSTALLERS),
    ("npx posthog-llma setup --remove --purge", INSTALLERS),
    ("claude plugin uninstall posthog@posthog-llma", INSTALLERS),
    ("claude plugin marketplace remove posthog-llma", INSTALLERS),
    ("npm install --global posthog-llma", INSTALLERS),
    ("npm update --global posthog-llma", INSTALLERS),
    ("npm uninstall --global posthog-llma", INSTALLERS),
    ("uv tool install posthog-llma", INSTALLERS),
    ("uv tool upgrade posthog-llma", INSTALLERS),
    ("uv tool uninstall posthog-llma", INSTALLERS),
    ("pipx install posthog-llma", INSTALLERS),
    ("pipx upgrade posthog-llma", INSTALLERS),
    ("pipx uninstall posthog-llma", INSTALLERS),
    (
        "curl -fsSL https://github.com/posthog-llma/posthog-llma/releases/latest/download/install.sh | sh",
        "tests/install/test_install.py, from a release on loopback",
    ),
    ("sha256sum --check --ignore-missing SHA256SUMS", INSTALLERS),
    ("tar -xzf posthog-llma-*.tar.gz", INSTALLERS),
    ("pi install npm:posthog-llma-pi", INSTALLERS),
    (
        "APIKEY=phc_… HOST=eu examples/fleet/devcontainer/install.sh",
        "tests/install/test_fleet.py",
    ),
    ("pi install ./plugin/pi", "tests/pi"),
    ("export POSTHOG_API_KEY=phc_…", "tests/pi"),
    (
        "cargo run --release -- view fixtures/sessions",
        "tests/view: it runs until Ctrl-C",
    ),
    (
        "posthog-llma run --fail-over 2 -- claude -p \"review the last commit\"",
        "tests/e2e/run.rs, tests/run.rs",
    ),
    (
        "posthog-llma run --usage-file usage.json --fail-over 2 -- claude -p \"review the last commit\"",
        "tests/e2e/run.rs, tests/run.rs",
    ),
    ("posthog-llma serve", "tests/serve"),
    (
        "posthog-llma serve --listen 0.0.0.0:4318 --token-file token",
        "tests/serve, on another address",
    ),
    (
        "posthog-llma setup --openrouter --url https://llma.example.com",
        "tests/serve/openrouter.rs, with an address of this machine",
    ),
    (
        "posthog-llma serve --token-file ~/.config/posthog-llma/openrouter.token",
        "tests/serve/openrouter.rs",
    ),
    (
        "chmod 600 ~/.config/posthog-llma/serve.toml",
        "tests/serve/routes.rs",
    ),
    (
        "posthog-llma ingest broadcasts/",
        "tests/otlp/openrouter.rs",
    ),
    (
        "posthog-llma ingest --since 7d --otlp http://localhost:6006",
        "tests/ingest/collector.rs, on another port",
    ),
    (
        "posthog-llma show --perfetto session.pftrace",
        "tests/show/perfetto.rs",
    ),
    ("posthog-llma dashboard >dashboard.json", "tests/dashboard"),
    (
        "curl --fail-with-body --header \"Authorization: Bearer $POSTHOG_PERSONAL_API_KEY\" --header \"Content-Type: application/json\" --data @dashboard.json $POSTHOG/api/projects/$PROJECT/dashboards/create_from_template_json/",
        "by hand: it wants an account",
    ),
    (
        "cloudflared tunnel --url http://127.0.0.1:4318",
        "by hand: it wants the internet",
    ),
    ("tailscale funnel 4318", "by hand: it wants the internet"),
    (
        "openssl rand -hex 32 >token",
        "it makes a token of any kind",
    ),
    (
        "export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318",
        "it is for the application",
    ),
    (
        "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        "it is for the application",
    ),
    (
        "pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http opentelemetry-instrumentation-openai",
        "by hand; tests/otel runs the instrumentation",
    ),
    (
        "OTEL_SERVICE_NAME=shop opentelemetry-instrument python app.py",
        "by hand; tests/otel runs the instrumentation",
    ),
    (
        "sudo systemctl enable --now posthog-llma",
        "by hand: it wants systemd",
    ),
    (
        "sudo env POSTHOG_LLMA_STATE_DIR=/var/lib/posthog-llma posthog-llma status",
        "by hand: it wants another user",
    ),
    (
        "launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/com.posthog.llma.plist",
        "by hand: it wants macOS",
    ),
    ("cargo test", ".ci/run"),
    (
        "cargo run --release --example accuracy -- ~/.claude/projects",
        "tests/transcripts runs the same comparison",
    ),
    ("scripts/bench", "by hand: it takes minutes"),
    (
        "(cd ui && node test/program-bench.mjs PROGRAM --list FOLDER --session FOLDER --large FOLDER)",
        "by hand: it takes minutes",
    ),
    (
        "scripts/bench read --ccusage \"$(which ccusage)\" --sessions ~/.claude/projects",
        "by hand: it wants ccusage",
    ),
    ("scripts/bench growth", "by hand: it takes minutes"),
    ("scripts/bench exit", "by hand: it takes minutes"),
    ("scripts/bench serve", "by hand: it takes minutes"),
    ("cargo bench --bench read", ".ci/run compiles it"),
    ("cargo bench --bench redact", ".ci/run compiles it"),
    ("cargo bench --bench outbox", ".ci/run compiles it"),
    (
        "scripts/make-sessions FOLDER --sessions 5000 --megabytes 4000",
        "scripts/bench",
    ),
    (
        "posthog-llma ingest --all --output - | duckdb sessions.duckdb -f docs/pipelines/warehouse.sql",
        "tests/pipelines.rs",
    ),
    (
        "duckdb sessions.duckdb \"SELECT * FROM tokens_by_model\"",
        "tests/pipelines.rs",
    ),
    (
        "ls /archive | parallel -j 8 --retries 3 --joblog jobs.log posthog-llma ingest --with-old-content --force --output /events/{}.jsonl /archive/{}",
        TESTS_OF_CLUSTERS,
    ),
    (
        "ls /archive | xargs -d '\\n' -P 8 -I{} posthog-llma ingest --with-old-content --force --output /events/{}.jsonl /archive/{}",
        TESTS_OF_CLUSTERS,
    ),
    (
        "cat /events/*.jsonl | duckdb sessions.duckdb -f docs/pipelines/warehouse.sql",
        "tests/pipelines.rs",
    ),
    (
        "kubectl create secret generic posthog-llma-redaction-key --from-file=redaction.key",
        "by hand: it wants a cluster",
    ),
    (
        "kubectl apply -f examples/kubernetes/session-events.yaml",
        TESTS_OF_CLUSTERS,
    ),
    (
        "spark-submit --master yarn --files posthog-llma examples/spark/session_events.py --state STATE /mnt/archive s3://bucket/session-events",
        TESTS_OF_CLUSTERS,
    ),
    (
        "duckdb sessions.duckdb -f docs/pipelines/parquet.sql",
        TESTS_OF_CLUSTERS,
    ),
];

fn documents() -> Vec<(PathBuf, String)> {
    let below = ["docs", "plugin"].map(|folder| Path::new(ROOT).join(folder));
    let below = below.iter().flat_map(WalkDir::new).flatten();
    let all = below.map(walkdir::DirEntry::into_path);
    let top = ["README.md", "SECURITY.md", "CONTRIBUTING.md"];
    let all = all.chain(top.map(|name| Path::new(ROOT).join(name)));
    let all = all.filter(|path| path.extension().is_some_and(|it| it == "md"));
    all.map(|path| {
        let text = fs::read_to_string(&path).expect("a document is text");
        (path, text)
    })
    .collect()
}

/// The lines of blocks marked as shell, without comments.
fn commands_in_blocks(text: &str) -> Vec<String> {
    let blocks = text.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines());
    lines
        .map(|line| {
            line.split("  #")
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        })
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn every_command_in_a_block_is_run_by_a_test() {
    let mut count = 0;
    for (path, text) in documents() {
        for command in commands_in_blocks(&text) {
            let here = RUN_HERE.contains(&command.as_str());
            let elsewhere = RUN_ELSEWHERE.iter().any(|(known, _)| *known == command);
            assert!(here || elsewhere, "{}: {command}", path.display());
            count += 1;
        }
    }
    assert!(count > 20, "commands are found: {count}");
}

#[test]
fn commands_in_blocks_do_what_is_said_of_them() {
    let env = TestEnv::new();
    let project = env.claude().join("projects/-home-ada-bookshop");
    fs::create_dir_all(&project).expect("it is writable");
    for entry in fs::read_dir(Path::new(ROOT).join("fixtures/sessions/-home-ada-bookshop"))
        .expect("there are fixtures")
        .flatten()
        .filter(|entry| entry.path().is_file())
    {
        fs::copy(entry.path(), project.join(entry.file_name())).expect("it is writable");
    }
    let program = Path::new(PROGRAM).parent().expect("it is in a folder");
    let path = format!("{}:/usr/bin:/bin", program.display());
    for command in RUN_HERE {
        let command = command
            .replace("cargo run --release --", "posthog-llma")
            .replace("your-loader", "cat");
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]);
        let run = env.other(shell).env("PATH", &path).directory(ROOT);
        let done = run.run().success();
        assert!(done.stdout.contains("claude-sonnet") || done.stdout.contains("calls"));
    }
}

#[test]
fn the_long_help_of_a_verb_says_more_than_the_short_one() {
    for verb in [
        "setup",
        "show",
        "ingest",
        "status",
        "doctor",
        "self-check",
        "trust",
        "flush",
        "serve",
        "pause",
        "resume",
        "forget",
        "hook",
        "report",
        "run",
        "dashboard",
    ] {
        let [short, long] = ["-h", "--help"].map(|option| {
            let help = Cli::try_parse_from(["posthog-llma", verb, option]);
            help.expect_err("help is no command").to_string()
        });
        assert!(short.lines().count() < long.lines().count(), "{verb}");
    }
}

#[test]
fn every_command_in_a_sentence_is_one_that_the_program_understands() {
    let mut count = 0;
    for (path, text) in documents() {
        let spans = text.split('`').skip(1).step_by(2);
        for span in spans.filter(|span| span.starts_with("posthog-llma ")) {
            let words = span.replace(['[', ']', '…', '<', '>'], "");
            if let Err(error) = Cli::try_parse_from(words.split_whitespace()) {
                // A verb alone is a name, not a command to type.
                let is_named = error.kind() == ErrorKind::MissingRequiredArgument;
                assert!(is_named, "{}: `{span}`: {error}", path.display());
            }
            count += 1;
        }
    }
    assert!(count > 20, "commands are found: {count}");
}
