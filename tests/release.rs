//! The scripts of a release, run on the program that was built for the tests.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stderr, reason = "a test that was skipped says so")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PROGRAM: &str = env!("CARGO_BIN_EXE_posthog-llma");
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn script(name: &str) -> Command {
    let mut command = Command::new(Path::new(ROOT).join("scripts/release").join(name));
    command.current_dir(ROOT);
    command
}

fn shell(folder: &Path, line: &str) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder);
    command.output().expect("there is a shell")
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The program where the scripts look for it, and a folder for what they make.
struct Release {
    folder: TempDir,
    platform: String,
}

impl Release {
    fn new() -> Self {
        let platform = format!("linux-{}", std::env::consts::ARCH);
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let binaries = folder.path().join("binaries").join(&platform);
        fs::create_dir_all(&binaries).expect("it is writable");
        // Without what debuggers want of it, which takes minutes to pack.
        let mut strip = Command::new("strip");
        let strip = strip.arg("-o").arg(binaries.join("posthog-llma"));
        let stripped = strip.arg(PROGRAM).status();
        if !stripped.is_ok_and(|status| status.success()) {
            fs::copy(PROGRAM, binaries.join("posthog-llma")).expect("it was built");
        }
        Self { folder, platform }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn archive(&self, to: &str) -> PathBuf {
        let mut archive = script("archive");
        let archive = archive.arg(&self.platform);
        let archive = archive.arg(self.path("binaries")).arg(self.path(to));
        succeeds(&archive.output().expect("the script is there"));
        let name = format!("posthog-llma-{VERSION}-{}.tar.gz", self.platform);
        self.path(to).join(name)
    }
}

#[test]
fn an_archive_has_the_program_its_manual_and_its_completions() {
    let release = Release::new();
    let archive = release.archive("release");
    let folder = archive.parent().expect("it is in a folder");
    succeeds(&shell(folder, "sha256sum --check *.sha256"));
    succeeds(&shell(folder, "tar -xzf *.tar.gz"));
    let content = folder.join(format!("posthog-llma-{VERSION}-{}", release.platform));
    let said = succeeds(&shell(&content, "./posthog-llma --version"));
    assert_eq!(said, format!("posthog-llma {VERSION}\n"));
    for file in ["README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md"] {
        assert!(content.join(file).is_file(), "{file}");
    }
    succeeds(&shell(&content, "bash -n completions/posthog-llma.bash"));
    for file in ["_posthog-llma", "posthog-llma.fish", "_posthog-llma.ps1"] {
        let text = fs::read_to_string(content.join("completions").join(file));
        assert!(text.expect("it is there").contains("ingest"), "{file}");
    }
    for page in ["posthog-llma.1", "posthog-llma-ingest.1"] {
        let text = fs::read_to_string(content.join("man").join(page));
        let text = text.expect("it is there");
        assert!(text.contains(".TH") && text.contains("ingest"), "{page}");
    }
}

#[test]
fn the_same_content_makes_the_same_archive() {
    let release = Release::new();
    let [one, other] = ["one", "other"].map(|to| fs::read(release.archive(to)));
    assert!(one.expect("it is there") == other.expect("it is there"));
}

#[test]
fn the_plugin_brings_the_program_and_npm_takes_it() {
    let release = Release::new();
    let mut plugin = script("plugin");
    let plugin = plugin.arg(release.path("binaries"));
    let plugin = plugin.arg(release.path("release"));
    succeeds(&plugin.output().expect("the script is there"));
    let folder = release.path("release");
    succeeds(&shell(&folder, "sha256sum --check *.sha256"));
    succeeds(&shell(&folder, "tar -xzf *.tar.gz"));
    // Nothing on PATH that could be meant instead.
    let run = "env -i PATH=/usr/bin:/bin HOME=/nowhere ./bin/posthog-llma --version";
    for content in ["posthog-llma-plugin", "npm"] {
        let said = succeeds(&shell(&folder.join(content), run));
        assert_eq!(said, format!("posthog-llma {VERSION}\n"), "{content}");
    }
    if shell(&folder, "npm --version").status.success() {
        let packed = succeeds(&shell(&folder.join("npm"), "npm pack --dry-run --json"));
        for file in [
            "bin/posthog-llma".to_owned(),
            format!("bin/{}/posthog-llma", release.platform),
            ".claude-plugin/plugin.json".to_owned(),
            "hooks/hooks.json".to_owned(),
            "commands/llma-cc-status.md".to_owned(),
        ] {
            assert!(packed.contains(&format!("\"{file}\"")), "{file}: {packed}");
        }
    } else {
        eprintln!("skipped: whether npm takes the plugin, there is no npm");
    }
}

#[test]
fn what_cannot_be_released_is_told_in_one_line() {
    let release = Release::new();
    let nothing = release.path("nothing");
    for (mut command, reason) in [
        (script("check-version"), "usage"),
        (script("archive"), "usage"),
        (
            {
                let mut command = script("check-version");
                command.arg("v999.0.0");
                command
            },
            "the tag is v999.0.0, and Cargo.toml says",
        ),
        (
            {
                let mut command = script("archive");
                command.args(["macos-aarch64".as_ref(), nothing.as_path(), &nothing]);
                command
            },
            "scripts/release/build makes it",
        ),
        (
            {
                let mut command = script("plugin");
                command.args([&nothing, &nothing]);
                command
            },
            "scripts/release/build makes them",
        ),
        (
            {
                let mut command = script("build");
                command.args(["riscv64-unknown-none".as_ref(), nothing.as_path()]);
                command
            },
            "no platform is known for the target",
        ),
    ] {
        let output = command.output().expect("the script is there");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.starts_with("error: ") && said.contains(reason),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn the_workflow_runs_scripts_that_are_there() {
    let workflow = Path::new(ROOT).join(".github/workflows/release.yml");
    let workflow = fs::read_to_string(workflow).expect("there is a workflow");
    let called: Vec<&str> = workflow
        .split_whitespace()
        .filter(|word| word.starts_with("scripts/") && !word.ends_with(','))
        .collect();
    assert!(called.len() > 3, "{called:?}");
    for script in called {
        assert!(Path::new(ROOT).join(script).is_file(), "{script}");
    }
}
