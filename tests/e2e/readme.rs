//! The lines of the README, as they stand there and in that order, in a fresh home.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::e2e::claude::Claude;
use crate::e2e::{SOON, cli_or_skip, generations};
use crate::support::dialogue::Dialogue;
use crate::support::env::API_KEY;
use crate::support::posthog::PostHog;

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// The lines of the first blocks of a document that are for a shell.
fn lines(document: &str, blocks: usize) -> Vec<String> {
    let path = Path::new(REPOSITORY).join(document);
    let text = fs::read_to_string(path).expect("the document is there");
    let blocks = text.split("```sh\n").skip(1).take(blocks);
    let blocks = blocks.map(|block| block.split("```").next().unwrap_or_default());
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

/// A line in the folder of the checkout. Toolchain and downloaded crates are the machine's, the
/// rest is the fresh home's.
fn script(claude: &Claude, cli: &Path) -> Command {
    let mut command = claude.prepare(Command::new("script"));
    let home = |variable: &str, folder: &str| {
        let usual = || dirs::home_dir().expect("there is a home").join(folder);
        std::env::var_os(variable).map_or_else(usual, PathBuf::from)
    };
    let bin = claude.home().join(".cargo/bin");
    let beside = cli.parent().expect("it is in a folder").to_owned();
    let system = std::env::var_os("PATH").unwrap_or_default();
    let path = [bin, beside]
        .into_iter()
        .chain(std::env::split_paths(&system));
    command
        .env(
            "PATH",
            std::env::join_paths(path).expect("it can be joined"),
        )
        .env("RUSTUP_HOME", home("RUSTUP_HOME", ".rustup"))
        .env("CARGO_HOME", home("CARGO_HOME", ".cargo"))
        .env("CARGO_INSTALL_ROOT", claude.home().join(".cargo"))
        .current_dir(REPOSITORY);
    command
}

#[test]
fn the_lines_of_the_readme_install_it_and_a_session_arrives() {
    let Some(cli) = cli_or_skip() else { return };
    let lines_of_readme = lines("README.md", 1);
    let [rest @ .., setup] = lines_of_readme.as_slice() else {
        panic!("the README begins with how to install it");
    };
    assert_eq!(setup, "posthog-llma setup");
    assert_eq!(rest.len(), 3, "{rest:?}");
    let posthog = PostHog::start();
    let claude = Claude::without_plugin(&cli, Path::new(".cargo/bin"));
    for line in rest {
        let (code, screen) = Dialogue::open(script(&claude, &cli), line).end();
        assert_eq!(code, Some(0), "{line}\n{screen}");
    }
    let mut asked = Dialogue::open(script(&claude, &cli), setup);
    asked.expect("region").enter(&posthog.url());
    asked.expect("key").enter(API_KEY);
    asked.expect("privacy mode? [y/N] ").enter("");
    let (code, screen) = asked.end();
    assert_eq!(code, Some(0), "{screen}");

    let before = generations(&posthog.events());
    claude.prompt("hello").success();
    posthog.wait_until(SOON, |events| generations(events) > before);
}

#[test]
fn the_plugin_s_own_readme_says_the_same() {
    let without_remarks = |document, blocks| -> Vec<String> {
        let lines = lines(document, blocks).into_iter();
        lines
            .map(|line| {
                line.split("  #")
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .to_owned()
            })
            .collect()
    };
    assert_eq!(
        without_remarks("plugin/README.md", 2),
        without_remarks("README.md", 1)
    );
}
