//! Reads a line without showing it.
//!
//! Not with the `rpassword` crate (7.5.4), as on Windows: it prints the question before it turns
//! off the echo, so that a key pasted at once is shown, and on Ctrl-C the process dies before the
//! terminal is restored.

use std::fs::File;
use std::io::{self, Read, Write};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// Maximum length in bytes. Longer than any key; a terminal accepts no lines longer than 4,095
/// bytes.
const LONGEST: usize = 4096;
const CONTROL_C: u8 = 3;

/// A terminal with the echo turned off until the value is dropped.
struct Hidden {
    terminal: File,
    before: Termios,
}

impl Hidden {
    fn open() -> io::Result<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut hidden = before.clone();
        // Ctrl-C must not end the process before the echo is restored, so it ends the line instead.
        hidden.local_modes -= LocalModes::ECHO | LocalModes::ISIG;
        hidden.special_codes[SpecialCodeIndex::VEOL] = CONTROL_C;
        tcsetattr(&terminal, OptionalActions::Now, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// Asks at the terminal; `None` if the person ends the input instead.
pub(super) fn ask(question: &str) -> io::Result<Option<String>> {
    // The echo is turned off before the question appears, so that a quick answer is not shown
    // either.
    let hidden = Hidden::open()?;
    let mut terminal = &hidden.terminal;
    terminal.write_all(question.as_bytes())?;
    let mut line = [0; LONGEST];
    let bytes = terminal.read(&mut line)?;
    terminal.write_all(b"\n")?;
    let line = &line[..bytes];
    if line.ends_with(&[CONTROL_C]) {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted"));
    }
    Ok((bytes > 0).then(|| String::from_utf8_lossy(line).into_owned()))
}
