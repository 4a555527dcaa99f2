//! The only module that writes to standard output (data) and standard error (messages), and the
//! only one that asks questions.
//!
//! All text printed on a terminal passes through `clean`, so that no name, prompt or error text can
//! control the terminal or hide in it. Styles are this program's own ([`Styled`]).

mod clean;
mod progress;
mod styled;
#[cfg(unix)]
mod terminal;
mod waiting;

use std::fmt;
use std::io::{self, BufRead, BufWriter, IsTerminal, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use clean::{Cleaner, clean, steers};
pub use progress::Progress;
pub use styled::Styled;
pub use waiting::Waiting;

/// Assumed width of a terminal whose width is unknown, in columns.
const COLUMNS: usize = 100;

/// Writes data, text or JSON.
///
/// # Errors
/// When standard output is closed or full.
pub fn print(text: impl fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", clean(&text.to_string()))?;
    out.flush()
}

/// Writes data with styles. Styles are omitted unless standard output is a terminal that supports
/// them; `NO_COLOR` and `CLICOLOR_FORCE` are respected.
///
/// # Errors
/// When standard output is closed or full.
pub fn print_styled(text: &Styled) -> io::Result<()> {
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    writeln!(out, "{}", text.as_str())?;
    out.flush()
}

/// Writes a message for the person at the terminal. Failures are ignored: the person may have
/// closed it.
pub fn say(text: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{}", clean(&text.to_string()));
}

/// Whether a person may be watching standard output.
#[must_use]
pub fn is_watched() -> bool {
    io::stdout().is_terminal()
}

/// Whether a question can be seen and answered.
#[must_use]
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks the person at the terminal; `None` if they end the input instead.
///
/// # Errors
/// [`io::ErrorKind::Interrupted`] on Ctrl-C, others when the terminal cannot be read.
pub fn ask(question: &str) -> io::Result<Option<String>> {
    #[cfg(unix)]
    return terminal::ask(&clean(question), terminal::Echo::Shown);
    #[cfg(not(unix))]
    {
        let mut err = io::stderr().lock();
        err.write_all(clean(question).as_bytes())?;
        err.flush()?;
        read_line()
    }
}

/// Asks for a value that is not shown while it is typed. The question goes to standard error.
///
/// # Errors
/// [`io::ErrorKind::Interrupted`] on Ctrl-C, others when the terminal cannot be read.
pub fn ask_secret(question: &str) -> io::Result<Option<String>> {
    #[cfg(unix)]
    return terminal::ask(question, terminal::Echo::Hidden);
    #[cfg(not(unix))]
    rpassword::prompt_password(question).map(Some)
}

/// Prints a message to the person at the terminal, wrapped between words. In a pipe or file, lines
/// stay unwrapped, for programs that read them.
pub fn say_in_lines(text: impl fmt::Display) {
    let text = text.to_string();
    if !io::stderr().is_terminal() {
        return say(text);
    }
    let width = terminal_size::terminal_size_of(io::stderr());
    let width = width.map_or(COLUMNS, |(width, _)| usize::from(width.0));
    let lines: Vec<String> = text.lines().map(|line| folded(line, width)).collect();
    say(lines.join("\n"));
}

/// A line wrapped to at most `width` columns, with its indentation repeated. A longer word stays
/// whole, since it may be an address or a command to copy.
fn folded(line: &str, width: usize) -> String {
    let indent = &line[..line.len() - line.trim_start().len()];
    let mut lines = vec![String::new()];
    for word in line.split_whitespace() {
        let last = lines.last_mut().map_or(0, |last| columns(last));
        if last > 0 && columns(indent) + last + 1 + columns(word) > width {
            lines.push(word.to_owned());
        } else if let Some(line) = lines.last_mut() {
            line.push_str(if last > 0 { " " } else { "" });
            line.push_str(word);
        }
    }
    let lines: Vec<String> = lines.iter().map(|it| format!("{indent}{it}")).collect();
    lines.join("\n")
}

/// Reads a line of standard input; `None` at its end.
///
/// # Errors
/// When it cannot be read.
pub fn read_line() -> io::Result<Option<String>> {
    let mut line = String::new();
    let bytes = io::stdin().lock().read_line(&mut line)?;
    Ok((bytes > 0).then_some(line))
}

/// Standard output for many lines of JSON. A pipe or file gets the bytes unchanged. On a terminal,
/// characters that would control it are replaced by equivalent JSON escapes.
#[must_use]
pub fn data() -> Box<dyn Write> {
    let out = BufWriter::new(io::stdout());
    if io::stdout().is_terminal() {
        Box::new(Cleaner::new(out))
    } else {
        Box::new(out)
    }
}

/// Asks a yes-or-no question; anything but yes is no.
///
/// # Errors
/// When the terminal cannot be read.
pub fn agree(question: impl fmt::Display) -> io::Result<bool> {
    let answer = ask(&format!("{question} [y/N] "))?.unwrap_or_default();
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Width of the terminal that data is written to, in columns. `wanted` is the user's setting.
#[must_use]
pub fn width(wanted: Option<&str>) -> usize {
    let wanted = wanted.and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size::terminal_size_of(io::stdout());
    wanted
        .or_else(|| Some(usize::from(terminal()?.0.0)))
        .filter(|columns| *columns > 0)
        .unwrap_or(COLUMNS)
}

/// A whole number with thousands separators: `1,234,567`.
#[must_use]
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A large number in about four characters: `950`, `12k`, `1.5M`.
#[must_use]
pub fn short_number(number: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
    for (size, unit) in UNITS {
        if number >= size {
            let tenths = number / (size / 10);
            let (whole, tenth) = (tenths / 10, tenths % 10);
            return if whole < 10 && tenth > 0 {
                format!("{whole}.{tenth}{unit}")
            } else {
                format!("{whole}{unit}")
            };
        }
    }
    number.to_string()
}

/// A number with its noun: `1 event`, `1,206 events`.
#[must_use]
pub fn count(number_of: u64, noun: &str) -> String {
    let plural = if number_of == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", number(number_of))
}

/// A duration in a few characters: `0.4 s`, `2 m 05 s`, `1 h 12 m`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if seconds < 59.95 {
        return format!("{:.1} s", seconds.max(0.0));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float becomes the nearest whole number there is"
    )]
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, seconds) => format!("{minutes} m {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} m"),
    }
}

/// At most `width` columns of a line, with a mark where it was cut. Characters that control the
/// terminal are removed.
#[must_use]
pub fn fit(text: &str, width: usize) -> String {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let folded: String = folded.chars().filter(|it| !steers(*it)).collect();
    if columns(&folded) <= width {
        return folded;
    }
    let mut left = width.saturating_sub(1);
    let fitting = folded.chars().take_while(|character| {
        let taken = left.checked_sub(character.width().unwrap_or(0));
        left = taken.unwrap_or(0);
        taken.is_some()
    });
    let kept: String = fitting.collect();
    format!("{}…", kept.trim_end())
}

/// A text in exactly `width` columns of a table: cut, or padded with spaces.
#[must_use]
pub fn cell(text: &str, width: usize) -> String {
    let text = fit(text, width);
    let missing = width.saturating_sub(columns(&text));
    text + &" ".repeat(missing)
}

/// The number of columns that a text takes in a terminal.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.width()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        for (value, long, short) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1_000, "1,000", "1k"),
            (1_550, "1,550", "1.5k"),
            (12_345, "12,345", "12k"),
            (1_544_514_413, "1,544,514,413", "1.5G"),
        ] {
            assert_eq!(
                (number(value).as_str(), short_number(value).as_str()),
                (long, short)
            );
        }
        assert_eq!(
            (count(1, "event"), count(1206, "event")),
            ("1 event".into(), "1,206 events".into())
        );
    }

    #[test]
    fn long_lines_are_cut_where_the_terminal_ends() {
        assert_eq!(fit("größer  als\nnötig", 20), "größer als nötig");
        assert_eq!(fit("größer als nötig", 8), "größer…");
        assert_eq!(fit("世界中の本", 10), "世界中の本");
        assert_eq!(fit("世界中の本を", 8), "世界中…");
    }

    #[test]
    fn lines_end_between_words_and_begin_alike() {
        for (line, expected) in [
            ("short", "short"),
            ("one two three", "one two\nthree"),
            ("  one two three", "  one\n  two\n  three"),
            (
                "see https://example.com now",
                "see\nhttps://example.com\nnow",
            ),
            ("", ""),
        ] {
            assert_eq!(folded(line, 8), expected);
        }
    }

    #[test]
    fn nothing_that_is_shown_steers_the_terminal() {
        assert_eq!(
            fit(
                "\u{1b}[2Jgone\u{7}\u{202e}ol\u{200b}leh\u{9b}1m\u{e0041}",
                40
            ),
            "[2Jgoneolleh1m"
        );
    }

    #[test]
    fn lengths_of_time_are_readable() {
        for (seconds, shown) in [
            (0.04, "0.0 s"),
            (12.34, "12.3 s"),
            (59.99, "1 m 00 s"),
            (125.0, "2 m 05 s"),
            (4_320.0, "1 h 12 m"),
            (-1.0, "0.0 s"),
        ] {
            assert_eq!(duration(seconds), shown);
        }
    }

    #[test]
    fn a_width_that_the_user_names_counts() {
        assert_eq!(width(Some("80")), 80);
        assert!(width(Some("wide")) > 0 && width(Some("0")) > 0);
    }
}
