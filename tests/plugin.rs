//! The launcher of the plugin finds the program, never itself, and is quiet in the hook.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::env::{Outcome, Run, TestEnv};
use serde_json::Value;

const PLUGIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/plugin");

/// A plugin installed under a path with spaces, and directories that `PATH` names.
struct Installation {
    env: TestEnv,
}

impl Installation {
    fn new() -> Self {
        let installation = Self {
            env: TestEnv::new(),
        };
        for file in ["bin/posthog-llma", ".claude-plugin/plugin.json"] {
            let content = fs::read(Path::new(PLUGIN).join(file)).expect("the plugin has it");
            executable(
                &installation
                    .env
                    .write(format!("the plugin/{file}"), content),
            );
        }
        installation
    }

    fn launcher(&self) -> PathBuf {
        self.env.root().join("the plugin/bin/posthog-llma")
    }

    /// Installs a program that prints its path and its arguments.
    fn install(&self, path: &str) {
        let script = format!("#!/bin/sh\necho \"{path}:$*:$#\"\n");
        executable(&self.env.write(path, script));
    }

    #[track_caller]
    fn launch(&self, directories: &[&str], arguments: &[&str]) -> Outcome {
        let mut path = Vec::from(["/usr/bin".into(), "/bin".into()]);
        path.splice(
            0..0,
            directories.iter().map(|one| self.env.root().join(one)),
        );
        let mut command = Command::new(self.launcher());
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.env.home())
            .env(
                "PATH",
                std::env::join_paths(path).expect("PATH can be joined"),
            );
        Run::of(command, self.env.root())
            .patience(Duration::from_secs(10))
            .run()
    }
}

fn executable(path: &Path) {
    // A file written by this process may still be open in a child that another test is starting,
    // and a file open for writing cannot be run: so another process writes it.
    let copy = path.with_extension("copy");
    let copied = Command::new("cp").args([path, &copy]).status();
    assert!(copied.is_ok_and(|status| status.success()), "it is copied");
    fs::rename(&copy, path).expect("the file is ours");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
}

fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

#[test]
fn the_bundled_program_comes_first_then_path_then_cargo() {
    let installation = Installation::new();
    installation.install("home/.cargo/bin/posthog-llma");
    installation
        .launch(&["some bin"], &["status"])
        .success()
        .says("home/.cargo/bin/posthog-llma:status:1");
    installation.install("some bin/posthog-llma");
    installation
        .launch(&["some bin"], &["status"])
        .success()
        .says("some bin/posthog-llma:status:1");
    let bundled = format!("the plugin/bin/{}/posthog-llma", platform());
    installation.install(&bundled);
    installation
        .launch(&["some bin"], &["status"])
        .success()
        .says(&bundled);
}

#[test]
fn a_program_bundled_for_another_platform_is_passed_over() {
    let installation = Installation::new();
    installation.install("the plugin/bin/plan9-mips/posthog-llma");
    installation.install("some bin/posthog-llma");
    installation
        .launch(&["some bin"], &["status"])
        .success()
        .says("some bin/posthog-llma:status:1");
}

#[test]
fn arguments_arrive_as_they_were_given() {
    let installation = Installation::new();
    installation.install("some bin/posthog-llma");
    installation
        .launch(&["some bin"], &["ingest", "a  b", ""])
        .success()
        .says(":ingest a  b :3");
}

#[test]
fn launchers_on_path_are_passed_over() {
    let installation = Installation::new();
    let launcher = fs::read(installation.launcher()).expect("it is there");
    let env = &installation.env;
    for file in ["bin/posthog-llma", ".claude-plugin/plugin.json"] {
        executable(&env.write(format!("older plugin/{file}"), &launcher));
    }
    fs::create_dir(env.root().join("links")).expect("the directory is ours");
    symlink(
        installation.launcher(),
        env.root().join("links/posthog-llma"),
    )
    .expect("the directory is ours");
    let path = ["the plugin/bin", "older plugin/bin", "links"];
    installation.launch(&path, &["status"]).code(127);
    installation.install("home/.cargo/bin/posthog-llma");
    installation.launch(&path, &["status"]).success();
}

#[test]
fn without_the_program_the_hook_is_quiet_and_the_commands_say_what_to_install() {
    let installation = Installation::new();
    installation.launch(&[], &["hook"]).success().silent();
    installation
        .launch(&[], &["status"])
        .code(127)
        .complains("posthog-llma is not installed")
        .complains("npm install");
}

#[test]
fn a_directory_or_a_plain_file_of_that_name_is_no_program() {
    let installation = Installation::new();
    let env = &installation.env;
    env.write("plain/posthog-llma", "not executable");
    env.write("directory/posthog-llma/file", "");
    let path = ["plain", "directory"];
    installation.launch(&path, &["status"]).code(127);
    installation.launch(&path, &["hook"]).success().silent();
}

#[test]
fn the_plugin_has_the_version_of_the_crate() {
    let manifest = fs::read(Path::new(PLUGIN).join(".claude-plugin/plugin.json"));
    let manifest: Value =
        serde_json::from_slice(&manifest.expect("the plugin has it")).expect("it is JSON");
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
}
