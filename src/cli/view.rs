//! Arguments of `view`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `view`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  posthog-llma view                    all sessions of this machine
  posthog-llma view 4f2a               the session whose id begins with 4f2a
  posthog-llma view fixtures/sessions  the sessions in a folder
  posthog-llma view 4f2a --html 4f2a.html
                                       one session as a file that opens anywhere

The page shows what PostHog gets, secrets replaced and the settings in force, and sends nothing: no \
account is needed. Only the address that is printed opens it, and only on this machine. Ctrl-C ends \
it.

Exit status: 0 ended, 1 not readable, 2 wrong use.")]
pub struct View {
    /// Session id, beginning of one, transcript, or folder of transcripts
    #[arg(value_name = "SESSION")]
    pub(crate) session: Option<PathBuf>,
    /// Do not open a browser
    #[arg(long)]
    pub(crate) no_open: bool,
    /// Address to listen on, of this machine alone
    ///
    /// Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: String,
    /// Write the session to a new file instead; - is standard output
    ///
    /// The file has everything in it, makes no request, and is readable by you alone. Without a
    /// session: the newest one of the current project.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["no_open", "listen"])]
    pub(crate) html: Option<PathBuf>,
    /// With --html: replace an existing file
    #[arg(long, requires = "html")]
    pub(crate) force: bool,
}
