//! The tree as text for a terminal.

use anstyle::{AnsiColor, Style};

use super::node::{Kind, Node};
use crate::commands::{local, short};
use crate::posthog::Tally;
use crate::redact::Counts;
use crate::session::Session;
use crate::ui::{self, Styled};

const FAINT: Style = Style::new().dimmed();
const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().bold();
const CALL: Style = AnsiColor::Cyan.on_default();
const TOOL: Style = AnsiColor::Green.on_default();
const AGENT: Style = AnsiColor::Magenta.on_default();
const ERROR: Style = AnsiColor::Red.on_default();

/// Widths of the columns at the right: tokens in, out and cached, and time.
const NUMBERS: [(&str, usize); 4] = [("in", 7), ("out", 7), ("cached", 8), ("time", 10)];
/// Width in columns below which only the time is shown at the right.
const NARROW: usize = 70;
/// Minimum width of the text of a line, at any depth.
const LEAST: usize = 12;

/// The lines, with their widths.
pub(super) struct Text {
    lines: Vec<Styled>,
    width: usize,
    /// Width of everything except the numbers, in columns.
    left: usize,
    is_narrow: bool,
}

impl Text {
    pub(super) fn new(width: usize) -> Self {
        let is_narrow = width < NARROW;
        let skipped = if is_narrow { 3 } else { 0 };
        let numbers: usize = NUMBERS.iter().skip(skipped).map(|(_, width)| width).sum();
        Self {
            lines: Vec::new(),
            width,
            left: width.saturating_sub(numbers).max(LEAST),
            is_narrow,
        }
    }

    /// The header: session, time and folder.
    pub(super) fn head(&mut self, session: &Session, place: &str) {
        let id = format!("session {}", short(&session.id));
        let facts = [id, local(session.started_at), place.to_owned()];
        let facts: Vec<String> = facts.into_iter().filter(|it| !it.is_empty()).collect();
        let facts = ui::fit(&facts.join(" · "), self.width);
        self.lines.push(Styled::default().plain(facts));
        let titles = self.numbers(&NUMBERS.map(|(title, _)| title.to_owned()));
        let titles = " ".repeat(self.left) + &titles;
        self.lines.push(Styled::default().styled(FAINT, titles));
    }

    pub(super) fn tree(&mut self, trace: &Node) {
        self.node(trace, None, "", "");
    }

    /// The line of sums.
    pub(super) fn foot(&mut self, tally: &Tally, replaced: &Counts) {
        let kinds = [
            (tally.traces, "trace"),
            (tally.turns, "turn"),
            (tally.generations, "call"),
            (tally.tools, "tool"),
            (tally.steps, "step"),
            (tally.errors, "error"),
        ];
        let some = kinds.into_iter().filter(|(number, _)| *number > 0);
        let some = some.map(|(number, kind)| ui::count(number, kind));
        let some = some.collect::<Vec<_>>().join(", ");
        let events = ui::count(tally.events, "event");
        let sums = format!("\n{events}: {some}");
        self.lines.push(Styled::default().plain(sums));
        if !replaced.is_empty() {
            let rules = replaced.iter();
            let rules = rules.map(|(rule, count)| format!("{rule} {}", ui::number(count)));
            let rules = rules.collect::<Vec<_>>().join(", ");
            let total = ui::number(replaced.total());
            let replaced = format!("secrets replaced: {total} ({rules})");
            self.lines.push(Styled::default().plain(replaced));
        }
    }

    pub(super) fn finish(self) -> Styled {
        Styled::of_lines(&self.lines)
    }

    /// Adds a node and those below it. `own` is the prefix of the node, `below` that of its
    /// children.
    fn node(&mut self, node: &Node, above: Option<Kind>, own: &str, below: &str) {
        let is_leaf = node.children.is_empty();
        let (kind, of_kind, of_label) = match node.kind {
            Kind::Trace => ("trace", FAINT, BOLD),
            Kind::Turn => ("turn", FAINT, BOLD),
            Kind::Call => ("call", CALL, PLAIN),
            Kind::Tool => ("tool", TOOL, PLAIN),
            Kind::Agent => ("agent", AGENT, PLAIN),
            Kind::Step => ("step", TOOL, PLAIN),
        };
        let tokens = node.tokens;
        let has_tokens = node.kind == Kind::Call || !is_leaf;
        let count = |number: u64| match number {
            0 => String::new(),
            _ if !has_tokens => String::new(),
            number => ui::short_number(number),
        };
        let numbers = [
            count(tokens.input),
            count(tokens.output),
            count(tokens.cache_read + tokens.cache_write),
            if node.is_timed {
                ui::duration(node.latency)
            } else {
                String::new()
            },
        ];
        let room = self.left.saturating_sub(ui::columns(own) + kind.len() + 1);
        let label = ui::cell(&label(node, above), room.max(LEAST));
        let line = match own {
            "" => Styled::default(),
            own => Styled::default().styled(FAINT, own),
        };
        let line = line.styled(of_kind, kind).plain(" ");
        let line = line.styled(of_label, label);
        let numbers = self.numbers(&numbers);
        self.lines.push(line.plain(numbers.trim_end()));
        if let Some(error) = node.error.as_deref().filter(|_| node.is_error) {
            let bar = if is_leaf { "   " } else { "│  " };
            let room = self.width.saturating_sub(ui::columns(below) + 5);
            let error = ui::fit(error, room.max(LEAST));
            let line = Styled::default().styled(FAINT, format!("{below}{bar}"));
            self.lines.push(line.styled(ERROR, format!("✗ {error}")));
        }
        for (index, child) in node.children.iter().enumerate() {
            let is_last = index + 1 == node.children.len();
            let (branch, bar) = if is_last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            self.node(
                child,
                Some(node.kind),
                &format!("{below}{branch}"),
                &format!("{below}{bar}"),
            );
        }
    }

    fn numbers(&self, numbers: &[String; 4]) -> String {
        let columns = numbers.iter().zip(NUMBERS);
        let skipped = if self.is_narrow { 3 } else { 0 };
        columns.skip(skipped).fold(String::new(), |row, column| {
            let (number, (_, width)) = column;
            row + &format!("{number:>width$}")
        })
    }
}

/// Name of a node. A call below its agent does not repeat the agent's name.
fn label(node: &Node, above: Option<Kind>) -> String {
    let name = node.name.as_deref();
    let subagent = node.subagent.as_deref();
    let detail = node.detail.as_deref();
    let parts = match node.kind {
        Kind::Trace => [name.or(Some(&node.id)), None, None],
        Kind::Turn => [name, None, None],
        Kind::Call => [
            node.model.as_deref().or(Some("no answer")),
            name,
            subagent.filter(|_| above != Some(Kind::Agent)),
        ],
        Kind::Tool | Kind::Step => [name, detail, None],
        Kind::Agent => [subagent.or(name), detail, None],
    };
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
