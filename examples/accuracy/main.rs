//! Counts the sessions below a folder twice, from the events that the program would send and from
//! its lines, and prints both as the tables of `docs/accuracy.md`:
//! ```text
//! cargo run --release --example accuracy -- ~/.claude/projects
//! ```

mod report;
mod tables;

#[path = "../../tests/support/independent/mod.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod independent;

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context, bail};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), None) = (arguments.next(), arguments.next()) else {
        bail!("name one folder with transcripts, such as ~/.claude/projects");
    };
    let folder = PathBuf::from(folder);
    let report = report::of(&folder)?;
    io::stdout()
        .write_all(report.to_string().as_bytes())
        .context("cannot write")
}
