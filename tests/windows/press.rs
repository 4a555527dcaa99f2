//! press PROCESS ctrl-c|ctrl-break
//!
//! Presses keys in the console of a process. A program of its own: it leaves its console for that of
//! the process, and calls functions of Windows that take unsafe code.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

const CTRL_C: u32 = 0;
const CTRL_BREAK: u32 = 1;

/// Exit status for a process without a console, as one has that has ended.
const NO_CONSOLE: u8 = 3;

/// Time for the console to pass the keys on, which it does in threads of the processes.
const PASSING_ON: Duration = Duration::from_millis(200);

type Handler = extern "system" fn(u32) -> i32;

#[link(name = "kernel32")]
unsafe extern "system" {
    fn AttachConsole(process: u32) -> i32;
    fn FreeConsole() -> i32;
    fn GenerateConsoleCtrlEvent(event: u32, group: u32) -> i32;
    fn SetConsoleCtrlHandler(handler: Option<Handler>, add: i32) -> i32;
}

/// Keeps the keys from ending this process too.
extern "system" fn handled(_: u32) -> i32 {
    1
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, process, key] = &arguments[..] else {
        return ExitCode::from(2);
    };
    let (Ok(process), Some(event)) = (process.parse(), event(key)) else {
        return ExitCode::from(2);
    };
    // SAFETY: it gets no pointers.
    let is_attached = unsafe {
        FreeConsole();
        AttachConsole(process) != 0
    };
    if !is_attached {
        return ExitCode::from(NO_CONSOLE);
    }
    // SAFETY: no function gets a pointer but that of the handler, which lives as long as the process.
    let pressed = unsafe {
        SetConsoleCtrlHandler(Some(handled), 1) != 0 && GenerateConsoleCtrlEvent(event, 0) != 0
    };
    sleep(PASSING_ON);
    if pressed {
        ExitCode::SUCCESS
    } else {
        eprintln!("{}", std::io::Error::last_os_error());
        ExitCode::FAILURE
    }
}

fn event(key: &str) -> Option<u32> {
    match key {
        "ctrl-c" => Some(CTRL_C),
        "ctrl-break" => Some(CTRL_BREAK),
        _ => None,
    }
}
