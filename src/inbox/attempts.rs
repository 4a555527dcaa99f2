//! Reading attempts that ended with the process.
//!
//! A trace that crashes the process which reads it would crash every later one too, and hold up all
//! others. So traces with unfinished attempts are read last, and after [`MOST`] attempts only at a
//! person's command.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::error::InboxError;
use super::key::{Route, TraceKey};
use crate::files::{private_file, remove};

const FILE: &str = "inbox.attempts";

/// Number of unfinished attempts after which only a person's command reads a trace.
const MOST: u32 = 3;

/// Unfinished attempts to read each trace of a route.
#[derive(Debug)]
pub struct Attempts {
    path: PathBuf,
    begun: HashMap<String, u32>,
}

impl Attempts {
    /// The unfinished attempts of earlier processes for a route.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of(directory: &Path, route: &Route) -> Result<Self, InboxError> {
        let path = directory.join(if route.is_main() {
            FILE.to_owned()
        } else {
            format!("{FILE}.{route}")
        });
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(InboxError::directory(&path)(error)),
        };
        let begun = text.lines().filter_map(|line| {
            let (count, name) = line.split_once(' ')?;
            Some((name.to_owned(), count.parse().ok()?))
        });
        let begun = begun.collect();
        Ok(Self { path, begun })
    }

    /// Number of unfinished attempts to read this trace.
    #[must_use]
    pub fn count(&self, key: &TraceKey) -> u32 {
        let count = self.begun.get(&name(key)).copied();
        count.unwrap_or(0)
    }

    /// Whether only a person's command should try this trace again.
    #[must_use]
    pub fn is_given_up(&self, key: &TraceKey) -> bool {
        self.count(key) >= MOST
    }

    /// Records the start of an attempt. The record survives the end of the process; a power failure
    /// may lose it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn begin(&mut self, key: &TraceKey) -> Result<(), InboxError> {
        *self.begun.entry(name(key)).or_default() += 1;
        self.write().map_err(InboxError::directory(&self.path))
    }

    /// Records the end of an attempt, successful or not. The next [`Attempts::begin`] or
    /// [`Attempts::close`] writes it.
    pub fn end(&mut self, key: &TraceKey) {
        self.begun.remove(&name(key));
    }

    /// Records that no attempt is running.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn close(&self) -> Result<(), InboxError> {
        let written = if self.begun.is_empty() {
            remove(&self.path)
        } else {
            self.write()
        };
        written.map_err(InboxError::directory(&self.path))
    }

    fn write(&self) -> io::Result<()> {
        let mut lines = String::new();
        for (name, count) in &self.begun {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{count} {name}");
        }
        let mut file = private_file().open(&self.path)?;
        io::Write::write_all(&mut file, lines.as_bytes())?;
        // Removes the rest of a longer earlier content.
        file.set_len(lines.len() as u64)
    }
}

fn name(key: &TraceKey) -> String {
    format!("{} {}", key.trace_id, key.route.name())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::otlp::TraceId;

    fn key(digit: char) -> TraceKey {
        let id: String = std::iter::repeat_n(digit, 32).collect();
        TraceKey {
            trace_id: id.parse::<TraceId>().unwrap(),
            route: Route::main(),
        }
    }

    #[test]
    fn only_what_was_begun_and_not_ended_is_known_to_the_next_process() {
        let directory = TempDir::new().unwrap();
        for round in 1..=MOST {
            let mut attempts = Attempts::of(directory.path(), &Route::main()).unwrap();
            assert!(!attempts.is_given_up(&key('b')));
            attempts.begin(&key('a')).unwrap();
            attempts.end(&key('a'));
            attempts.begin(&key('b')).unwrap();
            let next = Attempts::of(directory.path(), &Route::main()).unwrap();
            assert_eq!([next.count(&key('a')), next.count(&key('b'))], [0, round]);
        }
        let mut attempts = Attempts::of(directory.path(), &Route::main()).unwrap();
        assert!(attempts.is_given_up(&key('b')));
        attempts.end(&key('b'));
        attempts.close().unwrap();
        assert!(!directory.path().join(FILE).exists());
    }
}
