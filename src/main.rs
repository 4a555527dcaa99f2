//! Arguments and environment in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use posthog_llma::cli::Cli;
use posthog_llma::commands::{self, Exit, WrongUse};
use posthog_llma::host::Host;
use posthog_llma::ui;

fn main() -> ExitCode {
    let host = Host::real();
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        // The message repeats what was typed, which may be a file name, so it is printed through
        // `ui`.
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
        ui::say(format_args!("error: {error:#}"));
        if error.is::<WrongUse>() {
            Exit::WrongUse
        } else {
            Exit::Incomplete
        }
    });
    exit.into()
}

/// Whether the reader of our output closed the pipe.
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
