//! Writes session trees of any size, in the line format of a current Claude Code, from a seed.
//!
//! The texts are made up; their shares are those of real sessions: half of all bytes are results of
//! tools, a quarter responses, a tenth progress, and a tenth of the sessions has a subagent. Prints
//! the counts it made while writing.
//!
//! ```text
//! cargo run --release --example make-sessions -- FOLDER --sessions 5000 --megabytes 4000
//! ```

mod generator;

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;

#[derive(Parser)]
struct Arguments {
    /// Where the tree is written, laid out as Claude Code's `projects` folder
    folder: PathBuf,
    /// How many sessions
    #[arg(long, default_value_t = 100)]
    sessions: u64,
    /// How many megabytes all of them have together, about
    #[arg(long, default_value_t = 50.0)]
    megabytes: f64,
    /// Another number gives other sessions
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let tally = generator::write(
        &arguments.folder,
        arguments.sessions,
        arguments.megabytes,
        arguments.seed,
    )
    .with_context(|| format!("cannot write below {}", arguments.folder.display()))?;
    writeln!(io::stdout().lock(), "{}", tally.as_json())?;
    Ok(())
}
