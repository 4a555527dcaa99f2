//! Diagnoses as lines of a terminal.

use anstyle::{AnsiColor, Style};

use super::diagnosis::{Diagnosis, Verdict};
use crate::commands::words;
use crate::ui::{self, Styled};

/// Column in which the texts begin, after the verdict and the name of the check.
const COLUMN: usize = 26;
/// Width of the verdict, in columns.
const VERDICT: usize = 9;

/// All diagnoses, and the number of problems.
pub(super) fn of(diagnoses: &[Diagnosis]) -> Styled {
    let mut lines: Vec<Styled> = diagnoses.iter().flat_map(entries).collect();
    let problems = diagnoses.iter().filter(|it| it.is_problem()).count();
    lines.push(Styled::default());
    lines.push(Styled::default().plain(match problems {
        0 => "nothing needs you".to_owned(),
        _ => format!("{} to solve", ui::count(problems as u64, "problem")),
    }));
    Styled::of_lines(&lines)
}

fn entries(diagnosis: &Diagnosis) -> Vec<Styled> {
    let word = diagnosis.word();
    let label = ui::cell(word, VERDICT) + diagnosis.check;
    let entry = words::entry(&label, COLUMN, &diagnosis.found);
    let rest = entry.strip_prefix(word).unwrap_or(&entry);
    let entry = Styled::default().styled(style(&diagnosis.verdict), word);
    let mut entries = vec![entry.plain(rest)];
    if let Some(fix) = diagnosis.fix() {
        let fix = words::entry("", COLUMN, &format!("→ {fix}"));
        entries.push(Styled::default().plain(fix));
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
