//! The lines of the documents that install a checkout, run in their order in a fresh home.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::e2e::claude::Claude;
use crate::e2e::{SOON, cli_or_skip, generations};
use crate::support::dialogue::Dialogue;
use crate::support::env::API_KEY;
use crate::support::posthog::PostHog;

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// The lines of the first block below a heading that is for a shell.
fn lines(document: &str, heading: &str) -> Vec<String> {
    let path = Path::new(REPOSITORY).join(document);
    let text = fs::read_to_string(path).expect("the document is there");
    let (_, below) = text
        .split_once(&format!("\n{heading}\n"))
        .expect("the document has the heading");
    let block = below.split("```sh\n").nth(1).expect("a block follows");
    let block = block.split("```").next().unwrap_or_default();
    block.lines().map(str::to_owned).collect()
}

/// Builds the program exactly as a release is. Otherwise it is not optimised, which takes most of the
/// time and changes nothing that is tested here.
const WHOLE_RELEASE: &str = "POSTHOG_LLMA_WHOLE_RELEASE";

/// Runs a line in the folder of the checkout. Toolchain and downloaded crates are those of the
/// machine, all else is in the fresh home.
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
    if std::env::var_os(WHOLE_RELEASE).is_none() {
        command
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    }
    command
}

#[test]
fn the_lines_for_a_checkout_install_it_and_a_session_arrives() {
    let Some(cli) = cli_or_skip() else { return };
    let lines = lines("docs/install.md", "### From source");
    let [rest @ .., setup] = lines.as_slice() else {
        panic!("the block has lines");
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

    // Tests switch on features of libraries that the installed program is built without.
    let read = "posthog-llma ingest --dry-run fixtures/otlp";
    let (code, screen) = Dialogue::open(script(&claude, &cli), read).end();
    assert_eq!(code, Some(0), "{screen}");
}

#[test]
fn the_plugin_s_own_readme_says_the_same() {
    assert_eq!(
        lines("plugin/README.md", "## Install"),
        lines("README.md", "## Install")
    );
}
