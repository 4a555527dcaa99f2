//! Starting the program, and starting others from it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::env::{PROGRAM, Run, TestEnv};

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

/// Programs of npm are scripts, such as `claude.cmd`.
#[test]
fn run_finds_scripts_on_the_path() {
    let env = TestEnv::new();
    let tools = env.write(
        "tools/agent.cmd",
        "@echo off\r\necho agent %1\r\nexit /b 7\r\n",
    );
    let mut path = vec![tools.parent().expect("a folder").to_owned()];
    path.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let path = std::env::join_paths(path).expect("a list");
    let run: Run = env.command(["run", "--", "agent", "one"]);
    let outcome = run
        .env("PATH", path)
        .env("PATHEXT", ".COM;.EXE;.BAT;.CMD")
        .run();
    outcome.code(7).says("agent one");
}
