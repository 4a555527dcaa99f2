//! Questions at the terminal: one line of input, shown or not while it is typed.
//!
//! The `rpassword` crate (7.5.4) has two faults on Windows: it asks before it hides, so that a key
//! pasted at once is shown, and on Ctrl-C the process dies before the terminal is restored.

use std::fs::File;
use std::io::{self, Read, Write};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// Bytes of the longest answer. The terminal itself takes no longer lines than 4,095 bytes.
const LONGEST: usize = 4096;
const CONTROL_C: u8 = 3;

/// Whether the terminal shows typed characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Echo {
    Shown,
    Hidden,
}

/// A terminal on which Ctrl-C ends the line instead of the process, until it is dropped.
struct Asking {
    terminal: File,
    before: Termios,
}

impl Asking {
    fn open(echo: Echo) -> io::Result<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut asking = before.clone();
        // An interruption must not end the process before the terminal is restored, nor without a
        // message about what was saved.
        asking.local_modes -= LocalModes::ISIG;
        if echo == Echo::Hidden {
            asking.local_modes -= LocalModes::ECHO;
        }
        asking.special_codes[SpecialCodeIndex::VEOL] = CONTROL_C;
        tcsetattr(&terminal, OptionalActions::Now, &asking)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// Asks; `None` when the person ends the input instead.
///
/// # Errors
/// [`io::ErrorKind::Interrupted`] on Ctrl-C, others when the terminal cannot be read.
pub(super) fn ask(question: &str, echo: Echo) -> io::Result<Option<String>> {
    // Input is hidden before the question, so that an answer typed at once is not shown either.
    let asking = Asking::open(echo)?;
    let mut terminal = &asking.terminal;
    terminal.write_all(question.as_bytes())?;
    let mut line = [0; LONGEST];
    let bytes = terminal.read(&mut line)?;
    let line = &line[..bytes];
    let is_interrupted = line.ends_with(&[CONTROL_C]);
    if echo == Echo::Hidden || is_interrupted || bytes == 0 {
        terminal.write_all(b"\n")?;
    }
    if is_interrupted {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted"));
    }
    Ok((bytes > 0).then(|| String::from_utf8_lossy(line).into_owned()))
}
