//! Findings as lines of a terminal.

use anstyle::{AnsiColor, Style};

use super::finding::{Finding, Verdict};
use crate::commands::words;
use crate::ui;

/// Where the texts begin: behind the verdict and the name of the check.
const COLUMN: usize = 22;
/// Of that, the verdict.
const VERDICT: usize = 9;

/// All findings, and what they come to.
pub(super) fn of(findings: &[Finding]) -> String {
    let mut lines: Vec<String> = findings.iter().flat_map(entries).collect();
    let problems = findings.iter().filter(|it| it.is_problem()).count();
    lines.push(String::new());
    lines.push(match problems {
        0 => "nothing needs you".to_owned(),
        _ => format!("{} to solve", ui::count(problems as u64, "problem")),
    });
    lines.join("\n")
}

fn entries(finding: &Finding) -> Vec<String> {
    let label = ui::cell(finding.word(), VERDICT) + finding.check;
    let entry = words::entry(&label, COLUMN, &finding.found);
    let style = style(&finding.verdict);
    let word = finding.word();
    let mut entries = vec![entry.replacen(word, &format!("{style}{word}{style:#}"), 1)];
    if let Some(fix) = finding.fix() {
        entries.push(words::entry("", COLUMN, &format!("→ {fix}")));
    }
    entries
}

const fn style(verdict: &Verdict) -> Style {
    let color = match verdict {
        Verdict::Fine => AnsiColor::Green,
        Verdict::Note(_) => AnsiColor::Yellow,
        Verdict::Problem(_) => AnsiColor::Red,
    };
    color.on_default()
}
