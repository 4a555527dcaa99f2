//! `docs/accuracy.md` contains the output of the command that it names.

#[path = "../../examples/accuracy/report.rs"]
mod report;
#[path = "../../examples/accuracy/tables.rs"]
mod tables;

use super::corpus::public_or_skip;
use crate::support::independent;

const PAGE: &str = include_str!("../../docs/accuracy.md");
const BEGIN: &str = "<!-- what the command prints begins here -->\n";
const END: &str = "<!-- what the command prints ends here -->\n";

#[test]
fn the_page_shows_what_the_command_prints() {
    let Some(root) = public_or_skip() else { return };
    let printed = report::of(&root).expect("sessions").to_string();
    let (_, after) = PAGE.split_once(BEGIN).expect("a mark where it begins");
    let (shown, _) = after.split_once(END).expect("a mark where it ends");
    let at = printed.lines().zip(shown.trim().lines());
    let differing = at.into_iter().find(|(printed, shown)| printed != shown);
    assert!(
        shown.trim() == printed.trim(),
        "put what the command prints into docs/accuracy.md; the first line that differs: \
         {differing:#?}"
    );
}

#[test]
fn what_is_sent_of_the_public_sessions_is_what_is_in_them() {
    let Some(root) = public_or_skip() else { return };
    let report = report::of(&root).expect("sessions");
    assert_eq!(report.differing, 0);
    for (version, row) in report.rows() {
        assert_eq!(row.sent, row.counted, "{version}");
    }
}
