//! Runs a program and prints its use of resources as JSON: seconds of the clock and of the
//! processor, and bytes of memory at most. It is a program of its own because a child is charged
//! with the memory of its parent, which here is next to none.

use std::process::{Command, Stdio};
use std::time::Instant;

#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn main() -> anyhow::Result<()> {
    let mut words = std::env::args_os().skip(1);
    let program = words.next().unwrap_or_default();
    let mut command = Command::new(program);
    let command = command.args(words).stdin(Stdio::null());
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    let status = command.status()?;
    let took = began.elapsed();
    let (processor, memory) = used()?;
    println!(
        r#"{{"exit":{},"seconds":{},"processor":{processor},"memory":{memory}}}"#,
        status.code().unwrap_or(-1),
        took.as_secs_f64(),
    );
    Ok(())
}

/// Seconds of the processor and bytes of memory that the program used.
#[cfg(unix)]
fn used() -> anyhow::Result<(String, String)> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike as _;
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let processor = used.user_time() + used.system_time();
    // Linux counts kilobytes, macOS bytes.
    let memory = used.max_rss() * if cfg!(target_os = "macos") { 1 } else { 1024 };
    let processor = format!("{}e-6", processor.num_microseconds());
    Ok((processor, memory.to_string()))
}

/// Windows is not measured.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "it is so on Unix")]
fn used() -> anyhow::Result<(String, String)> {
    Ok(("null".to_owned(), "null".to_owned()))
}
