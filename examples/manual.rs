//! Writes the manual page and the completions of all shells into a folder, from the same
//! definitions that the program parses its arguments with.

use std::path::PathBuf;
use std::{env, fs};

use anyhow::Context;
use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;
use posthog_llma::cli::Cli;

fn main() -> anyhow::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.context("usage: manual FOLDER")?;
    let (pages, completions) = (folder.join("man"), folder.join("completions"));
    fs::create_dir_all(&pages)?;
    fs::create_dir_all(&completions)?;
    // A page for the program and one for each verb.
    clap_mangen::generate_to(Cli::command(), &pages)?;
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut Cli::command(), "posthog-llma", &completions)?;
    }
    Ok(())
}
