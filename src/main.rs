//! Arguments and environment in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use posthog_llma::cli::Cli;
use posthog_llma::commands::{self, Exit, WrongUse};
use posthog_llma::host::Host;
use posthog_llma::ui;

/// The allocator of static programs. That of musl makes threads wait for one another, so that reading
/// all sessions takes three times as long.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let host = Host::real();
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        // The message repeats the arguments, which may be names of files with control characters.
        Err(error) if error.use_stderr() => {
            ui::say(error.render().to_string().trim_end());
            return Exit::WrongUse.into();
        }
        Err(help) => help.exit(),
    };
    let exit = commands::run(command, &host).unwrap_or_else(|error| {
        if is_broken_pipe(&error) {
            return Exit::Done;
        }
        if is_interrupted(&error) {
            ui::say("stopped");
            return Exit::Stopped;
        }
        ui::say_in_lines(format_args!("error: {}", commands::in_words(&error)));
        if error.is::<WrongUse>() {
            Exit::WrongUse
        } else {
            Exit::Incomplete
        }
    });
    exit.into()
}

/// Whether Ctrl-C was pressed at a question.
fn is_interrupted(error: &anyhow::Error) -> bool {
    let io = error.root_cause().downcast_ref::<std::io::Error>();
    io.is_some_and(|io| io.kind() == std::io::ErrorKind::Interrupted)
}

/// Whether the reader of our output closed the pipe: that is no error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind);
        let json = cause
            .downcast_ref::<serde_json::Error>()
            .and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(std::io::ErrorKind::BrokenPipe)
    })
}
