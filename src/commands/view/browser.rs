//! Opens an address in the user's browser.

use std::process::{Command, Stdio};

/// The program that opens addresses, with its arguments.
const OPENER: &[&str] = if cfg!(target_os = "macos") {
    &["open"]
} else if cfg!(windows) {
    &["rundll32", "url.dll,FileProtocolHandler"]
} else {
    &["xdg-open"]
};

/// Opens an address, if there is a browser: the address is printed in any case. Other users of the
/// machine can see the arguments of processes, so the address has to be one that opens once.
pub(super) fn open(address: &str) {
    let [program, arguments @ ..] = OPENER else {
        return;
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Ok(mut opener) = command.spawn() {
        // The opener ends at once, or with the browser that it became.
        std::thread::spawn(move || drop(opener.wait()));
    }
}
