//! The only place that writes to standard output and standard error: data goes to the former,
//! words to the latter. And the only one that asks.

#[cfg(unix)]
mod secret;

use std::fmt;
use std::io::{self, BufRead, BufWriter, IsTerminal, Write};

/// Writes data. Colours reach a terminal only, and none when `NO_COLOR` is set.
///
/// # Errors
/// When standard output is closed or full.
pub fn print(text: impl fmt::Display) -> io::Result<()> {
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    writeln!(out, "{text}")?;
    out.flush()
}

/// Says something to the person at the terminal. Nobody listening is no error.
pub fn say(text: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether there is a person to ask.
#[must_use]
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks the person at the terminal; `None` when they end the input instead.
///
/// # Errors
/// When the terminal cannot be read.
pub fn ask(question: &str) -> io::Result<Option<String>> {
    let mut err = io::stderr().lock();
    err.write_all(question.as_bytes())?;
    err.flush()?;
    read_line()
}

/// Asks for something that is not shown while it is typed.
///
/// # Errors
/// When the terminal cannot be read, or the person interrupts.
pub fn ask_secret(question: &str) -> io::Result<Option<String>> {
    #[cfg(unix)]
    return secret::ask(question);
    #[cfg(not(unix))]
    rpassword::prompt_password(question).map(Some)
}

/// A line of standard input; `None` at its end.
///
/// # Errors
/// When it cannot be read.
pub fn read_line() -> io::Result<Option<String>> {
    let mut line = String::new();
    let bytes = io::stdin().lock().read_line(&mut line)?;
    Ok((bytes > 0).then_some(line))
}

/// Standard output for many lines of data.
#[must_use]
pub fn data() -> Box<dyn Write> {
    Box::new(BufWriter::new(io::stdout()))
}

/// A whole number with its thousands apart: `1,234,567`.
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

/// A large number in four characters or so: `950`, `12k`, `1.5M`.
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

/// A noun with its number: `1 event`, `1,206 events`.
#[must_use]
pub fn count(number_of: u64, noun: &str) -> String {
    let plural = if number_of == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", number(number_of))
}

/// At most `width` columns of a line, with a mark where it was cut.
#[must_use]
pub fn fit(text: &str, width: usize) -> String {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if columns(&folded) <= width {
        return folded;
    }
    let mut left = width.saturating_sub(1);
    let fitting = folded.chars().take_while(|character| {
        let taken = left.checked_sub(columns_of(*character));
        left = taken.unwrap_or(0);
        taken.is_some()
    });
    let kept: String = fitting.collect();
    format!("{}…", kept.trim_end())
}

/// A text in exactly `width` columns of a table: cut, or filled up with spaces.
#[must_use]
pub fn cell(text: &str, width: usize) -> String {
    let text = fit(text, width);
    let missing = width.saturating_sub(columns(&text));
    text + &" ".repeat(missing)
}

/// The columns that a text takes in a terminal.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// East Asian characters and pictures are two columns wide, as terminals draw them.
const fn columns_of(character: char) -> usize {
    match character {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}' => 2,
        _ => 1,
    }
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
}
