//! Starting the program, and starting others from it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::env::{Outcome, PROGRAM, TestEnv};

/// A plugin as in a release: the program is beside the launcher.
fn installed(env: &TestEnv) -> PathBuf {
    let launcher = concat!(env!("CARGO_MANIFEST_DIR"), "/plugin/bin/posthog-llma");
    let launcher = fs::read(launcher).expect("the plugin has it");
    let launcher = env.write("the plugin/bin/posthog-llma", launcher);
    fs::copy(PROGRAM, launcher.with_extension("exe")).expect("it is ours");
    launcher
}

/// Claude Code starts a hook with `args` without a shell.
#[test]
fn the_name_of_the_launcher_starts_the_program_beside_it() {
    let env = TestEnv::new();
    let mut command = Command::new(installed(&env));
    command.arg("--version");
    let outcome = env.other(command).run().success();
    outcome.says(env!("CARGO_PKG_VERSION"));
}

/// Git Bash starts it if a user's own hook names it in a command line.
#[test]
fn git_bash_starts_the_program_through_the_launcher() {
    let bash = Path::new(r"C:\Program Files\Git\bin\bash.exe");
    if !bash.is_file() {
        // Wine has none.
        return;
    }
    let env = TestEnv::new().with("OS", "Windows_NT");
    let launcher = installed(&env).to_str().expect("text").replace('\\', "/");
    let mut command = Command::new(bash);
    command.args(["-c", &format!("'{launcher}' --version")]);
    let outcome = env.other(command).run().success();
    outcome.says(env!("CARGO_PKG_VERSION"));
}

/// The search path with a folder before it.
fn path_with(folder: &Path) -> OsString {
    let others = std::env::var_os("PATH").unwrap_or_default();
    let others: Vec<_> = std::env::split_paths(&others).collect();
    let paths = [folder.to_owned()].into_iter().chain(others);
    std::env::join_paths(paths).expect("a list")
}

/// Runs a command by `run`, with this folder first on the path.
fn run(env: &TestEnv, folder: &str, command: &[&str]) -> Outcome {
    let run = ["run", "--"].iter().chain(command);
    let run = env.command(run).env("PATHEXT", ".COM;.EXE;.BAT;.CMD");
    run.env("PATH", path_with(&env.root().join(folder))).run()
}

/// Programs of npm are scripts, such as `claude.cmd`.
#[test]
fn run_finds_scripts_and_programs_on_the_path() {
    let env = TestEnv::new();
    let script = "@echo off\r\necho agent %1\r\nexit /b 7\r\n";
    env.write("tools/agent.cmd", script);
    let outcome = run(&env, "tools", &["agent", "one"]);
    outcome.code(7).says("agent one");
    // A program comes before a script.
    fs::copy(PROGRAM, env.root().join("tools/agent.exe")).expect("it is ours");
    let outcome = run(&env, "tools", &["agent", "--version"]).success();
    outcome.says(env!("CARGO_PKG_VERSION"));
    let outcome = run(&env, "tools", &["agent.cmd", "two"]);
    outcome.code(7).says("agent two");
}

/// Any project could have a program of that name.
#[test]
fn run_finds_no_program_in_the_current_folder() {
    let env = TestEnv::new();
    env.write("project/agent.cmd", "@echo of the project\r\n");
    let outcome = run(&env, "tools", &["agent"]).code(127);
    outcome.complains("cannot start agent");
}
