//! Text with styles. The styles are this program's; everything else is data.

use std::fmt;

use anstyle::Style;

use super::clean::clean;

/// A text with styled parts; see [`print_styled`](super::print_styled). Styles inside data are not
/// kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Styled(String);

impl Styled {
    /// Adds text without a style.
    #[must_use]
    pub fn plain(mut self, text: impl fmt::Display) -> Self {
        self.0 += &clean(&text.to_string());
        self
    }

    /// Adds text with a style.
    #[must_use]
    pub fn styled(mut self, style: Style, text: impl fmt::Display) -> Self {
        self.0 += &style.render().to_string();
        self = self.plain(text);
        self.0 += &style.render_reset().to_string();
        self
    }

    /// Removes trailing blanks and empty lines at the end.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        self.0.truncate(self.0.trim_end().len());
        self
    }

    /// Joins lines to one text.
    #[must_use]
    pub fn of_lines(lines: &[Self]) -> Self {
        let lines: Vec<&str> = lines.iter().map(|line| line.0.as_str()).collect();
        Self(lines.join("\n"))
    }

    /// The text with its styles as escape sequences.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_are_kept_and_those_of_data_are_not() {
        const BOLD: Style = Style::new().bold();
        let text = Styled::default()
            .styled(BOLD, "a\u{1b}[31m")
            .plain("\u{1b}[0m \n");
        assert_eq!(
            text.trimmed().as_str(),
            "\u{1b}[1ma\\u001b[31m\u{1b}[0m\\u001b[0m"
        );
    }
}
