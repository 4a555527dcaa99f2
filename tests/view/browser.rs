//! The page over the real program in a real browser: the tests of `ui/test`.
//!
//! `npm ci --prefix ui` installs what they need; `CHROMIUM` names the browser, `/usr/bin/chromium` if
//! it is missing. Without them these tests pass and say so, unless `POSTHOG_LLMA_NODE` names a node.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::support::{FIXTURES, Page};
use crate::support::env::TestEnv;

const UI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ui");
/// Time limit of all of them together on a busy machine.
const PATIENCE: Duration = Duration::from_mins(10);

fn node() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("POSTHOG_LLMA_NODE") {
        return Some(named.into());
    }
    let browser = std::env::var_os("CHROMIUM").map_or("/usr/bin/chromium".into(), PathBuf::from);
    let is_installed = Path::new(UI).join("node_modules/playwright-core").is_dir();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let node = std::env::split_paths(&paths)
        .map(|folder| folder.join("node"))
        .find(|it| it.is_file());
    if let Some(node) = node
        && is_installed
        && browser.is_file()
    {
        return Some(node);
    }
    // Written past the test harness, which hides the output of passing tests.
    let _ = io::stderr().write_all(
        b"skipped: node, chromium or ui/node_modules is missing; run npm ci --prefix ui\n",
    );
    None
}

#[test]
fn every_view_works_on_fixtures_in_a_browser() {
    let Some(node) = node() else { return };
    let env = TestEnv::new();
    let page = Page::open(&env, &[FIXTURES]);
    let mut tests = Command::new(node);
    tests.args(["--test", "test/program.test.mjs"]);
    let run = env.other(tests).directory(UI).patience(PATIENCE);
    let browser = std::env::var_os("CHROMIUM").unwrap_or_else(|| "/usr/bin/chromium".into());
    let run = run.env("ADDRESS", &page.url).env("CHROMIUM", browser);
    run.env("SHOTS", shots())
        .run()
        .success()
        .says("# fail 0")
        .says("# skipped 0");
}

/// The folder of screenshots.
fn shots() -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    target.join("screenshots")
}
