//! Commands of the system's shell: `sh`, on Windows `cmd`.

use std::path::Path;

/// The system's shell.
pub(crate) struct Shell;

impl Shell {
    /// The command that succeeds and prints nothing.
    pub(crate) const NOTHING: &str = if cfg!(windows) { "rem" } else { "true" };
    /// The words before the exit status of a command that failed.
    pub(crate) const ENDED: &str = if cfg!(windows) {
        "exit code: "
    } else {
        "exit status: "
    };

    /// Prints a file.
    pub(crate) fn print(file: &Path) -> String {
        let file = file.display();
        if cfg!(windows) {
            format!("type \"{file}\"")
        } else {
            format!("cat '{file}'")
        }
    }

    /// Makes an empty file.
    pub(crate) fn make(file: &Path) -> String {
        let file = file.display();
        if cfg!(windows) {
            format!("type nul >\"{file}\"")
        } else {
            format!("touch '{file}'")
        }
    }

    /// Gives a file another name.
    pub(crate) fn rename(from: &Path, to: &Path) -> String {
        let (from, to) = (from.display(), to.display());
        if cfg!(windows) {
            format!("move \"{from}\" \"{to}\" >nul")
        } else {
            format!("mv '{from}' '{to}'")
        }
    }

    /// Waits.
    pub(crate) fn wait(seconds: u32) -> String {
        if cfg!(windows) {
            // The command to wait, `timeout`, needs a console to read from.
            format!("ping -n {} 127.0.0.1 >nul", seconds + 1)
        } else {
            format!("sleep {seconds}")
        }
    }

    /// One command after the other.
    pub(crate) fn both(first: &str, second: &str) -> String {
        let then = if cfg!(windows) { " &" } else { ";" };
        format!("{first}{then} {second}")
    }

    /// A command while another runs and is left behind.
    pub(crate) fn beside(left: &str, command: &str) -> String {
        if cfg!(windows) {
            format!("start /b {left} & {command}")
        } else {
            format!("{left} & {command}")
        }
    }

    /// One of two commands, by the existence of a file.
    pub(crate) fn if_exists(file: &Path, command: &str, otherwise: &str) -> String {
        let file = file.display();
        if cfg!(windows) {
            format!("if exist \"{file}\" ({command}) else ({otherwise})")
        } else {
            format!("if [ -e '{file}' ]; then {command}; else {otherwise}; fi")
        }
    }
}
