//! The example of `docs/pipelines.md` accepts the program's output. It needs `DuckDB` for Python:
//! `POSTHOG_LLMA_DUCKDB_PYTHON` names a Python that has it, and without one the test is skipped.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::env::TestEnv;

const LOAD: &str = r#"
import duckdb, sys
warehouse, script = sys.argv[1:]
tables = duckdb.connect(warehouse)
tables.execute(open(script).read())
print(tables.execute("SELECT count(*) FROM llm_events").fetchone()[0])
print(tables.execute("SELECT sum(calls), sum(input), sum(output) FROM tokens_by_model").fetchone())
"#;

fn load(python: &str, warehouse: &Path, events: &[u8]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pipelines/warehouse.sql");
    let mut loader = Command::new(python)
        .args(["-c", LOAD])
        .args([warehouse, &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = loader.stdin.take().expect("it is piped");
    input.write_all(events).expect("the loader reads");
    drop(input);
    let done = loader.wait_with_output().expect("it ends");
    assert!(done.status.success(), "the loader failed");
    String::from_utf8(done.stdout).expect("it prints text")
}

#[test]
fn a_warehouse_takes_the_events_and_takes_them_again() {
    let Ok(python) = std::env::var("POSTHOG_LLMA_DUCKDB_PYTHON") else {
        let skipped = "skipped: POSTHOG_LLMA_DUCKDB_PYTHON names no Python with DuckDB";
        let _ = writeln!(io::stderr(), "{skipped}");
        return;
    };
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sessions");
    let env = TestEnv::new();
    let written = env
        .command(["ingest", "--output", "-"])
        .argument(&fixtures)
        .run()
        .success();
    let events: Vec<Value> = written
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect();
    let calls: Vec<&Value> = events
        .iter()
        .filter(|event| event["event"] == "$ai_generation")
        .map(|event| &event["properties"])
        .collect();
    let sum = |name: &str| -> u64 { calls.iter().filter_map(|call| call[name].as_u64()).sum() };
    assert!(calls.len() > 20, "the fixtures hold calls");
    let expected = format!(
        "{}\n({}, {}, {})\n",
        events.len(),
        calls.len(),
        sum("$ai_input_tokens"),
        sum("$ai_output_tokens")
    );
    let warehouse = env.root().join("sessions.duckdb");
    for _ in 0..2 {
        assert_eq!(
            load(&python, &warehouse, written.stdout.as_bytes()),
            expected
        );
    }
}
