//! The report as a table for people, as CSV and as Markdown.

use super::{FIXTURES, GROUPS, HOUR};
use crate::support::env::TestEnv;
use crate::support::session::Session;

/// Width of the narrowest common terminal, in columns.
const WIDTH: usize = 80;

#[test]
fn a_table_fits_the_terminal() {
    for width in ["80", "100", "140"] {
        let env = TestEnv::new().with("COLUMNS", width);
        for by in GROUPS {
            let table = env.run(["report", FIXTURES, "--by", by]).success().stdout;
            let columns = width.parse().unwrap_or(WIDTH);
            let longest = table.lines().take_while(|line| !line.is_empty());
            let longest = longest.map(|line| line.chars().count()).max();
            assert!(longest <= Some(columns), "{by} {width}\n{table}");
        }
    }
}

#[test]
fn every_row_of_csv_has_every_column() {
    let env = TestEnv::new();
    for by in GROUPS {
        let csv = env
            .run(["report", FIXTURES, "--csv", "--by", by])
            .success()
            .stdout;
        let head = csv.lines().next().unwrap_or_default();
        let columns = head.split(',').count();
        assert!(csv.lines().count() > 1, "{by}");
        for row in csv.lines() {
            assert_eq!(row.split(',').count(), columns, "{by}: {row}");
        }
    }
}

#[test]
fn names_of_branches_are_no_marks_in_markdown() {
    let env = TestEnv::new();
    let session = Session::write_ago(HOUR * 100, &env, 1, 1);
    let text = std::fs::read_to_string(&session.path).expect("it is there");
    let hostile = r"a|b`@everyone <img src=x>";
    let text = text.replace(
        r#""gitBranch":"main""#,
        &format!(r#""gitBranch":"{hostile}""#),
    );
    std::fs::write(&session.path, text).expect("it is ours");
    let run = env
        .run(["report", "--markdown", "--by", "branch"])
        .success();
    let run = run.says(r"| `a\|b'@everyone ‹img src=x>` | 1 |");
    run.never_mentions("<img");
}

#[test]
fn addresses_of_pull_requests_and_names_of_models_are_no_marks_in_markdown() {
    let env = TestEnv::new();
    let session = Session::write_ago(HOUR * 100, &env, 1, 1);
    let text = std::fs::read_to_string(&session.path).expect("it is there");
    let text = text.replace("claude-sonnet-5", "m [click](https://evil.example) <img>");
    let link = |url: &str| {
        let line = serde_json::json!({ "type": "pr-link", "prUrl": url, "prNumber": 2 });
        format!("{line}\n")
    };
    let hostile = "https://a) | @octocat ![p](https://b) | [x](b/o/r/pull/1";
    let own = "https://github.com/ada/shop/pull/7";
    let foreign = "https://git.example.com/ada/shop/pull/8";
    let links: String = [hostile, own, foreign].map(link).concat();
    std::fs::write(&session.path, text + &links).expect("it is ours");
    let run = env.run(["report", "--markdown", "--by", "pr"]).success();
    let run = run.says(&format!("[ada/shop#7]({own})"));
    let run = run.says(&format!("[git.example.com/ada/shop#8]({foreign})"));
    let run = run.says("(`m [click](https://evil.example) ‹img>`)");
    let run = run.never_mentions("<img");
    for line in run.stdout.lines().filter(|it| it.contains("@octocat")) {
        let (_, cell) = line.split_once("| `").expect("it is code");
        let (code, _) = cell.split_once('`').expect("it is code to the end");
        assert!(code.contains("@octocat") && code.contains("[x]"), "{line}");
    }
}

#[test]
fn formats_exclude_each_other() {
    let env = TestEnv::new();
    env.run(["report", "--json", "--csv"]).code(2);
    env.run(["report", "--by", "moon"]).code(2);
}
