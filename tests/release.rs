//! The scripts of a release, run on the program that was built for the tests.
#![cfg(target_os = "linux")]

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

/// The program where the scripts expect it, and a folder for their output.
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
        // Without debug information, which takes minutes to pack.
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

    /// The packages that `scripts/release/package` makes of the program.
    fn packages(&self) -> PathBuf {
        let mut package = script("package");
        let packages = self.path("packages");
        let package = package.arg(self.path("binaries")).arg(&packages);
        succeeds(&package.output().expect("the script is there"));
        packages
    }
}

/// The checksum of a file.
fn checksum(folder: &Path, file: &str) -> String {
    let said = succeeds(&shell(folder, &format!("sha256sum {file}")));
    said.split(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn the_action_installs_a_release_whose_checksums_are_right() {
    let release = Release::new();
    let downloads = release.packages().join("release");
    let installs = |version: &str, checksum: &str| {
        let mut install = Command::new("sh");
        install.arg(Path::new(ROOT).join("packages/action/install"));
        install.env("VERSION", version).env("CHECKSUM", checksum);
        install.env(
            "POSTHOG_LLMA_DOWNLOADS",
            format!("file://{}", downloads.display()),
        );
        install.env("RUNNER_TEMP", release.path("job"));
        install.env("GITHUB_PATH", release.path("path"));
        install.output().expect("there is a shell")
    };
    let right = checksum(&downloads, "install.sh");
    for checksum in ["", &right] {
        let said = succeeds(&installs(&format!("v{VERSION}"), checksum));
        assert!(said.contains("checksum verified"), "{said}");
    }
    let path = fs::read_to_string(release.path("path")).expect("it was extended");
    let folder = path.lines().next().expect("a folder");
    let said = succeeds(&shell(Path::new(folder), "./posthog-llma --version"));
    assert_eq!(said, format!("posthog-llma {VERSION}\n"));

    let wrong = right.replace(['a', 'b', 'c', 'd', 'e', 'f'], "0");
    let with_wrong_checksum = installs(VERSION, &wrong);
    let named_oddly = installs("latest/../1", "");
    succeeds(&shell(&downloads, "echo exit >>install.sh"));
    for refused in [with_wrong_checksum, named_oddly, installs(VERSION, "")] {
        assert!(!refused.status.success());
        assert_eq!(refused.stdout, b"");
    }
    // Only the installations that succeeded are on PATH.
    let path = fs::read_to_string(release.path("path")).expect("it can be read");
    assert_eq!(path.lines().count(), 2);
}

#[test]
fn an_archive_has_the_program_its_manual_and_its_completions() {
    let release = Release::new();
    let folder = release.packages().join("release");
    succeeds(&shell(&folder, "sha256sum --check SHA256SUMS"));
    succeeds(&shell(&folder, "tar -xzf *.tar.gz"));
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
fn what_cannot_be_released_is_told_in_one_line() {
    let release = Release::new();
    let nothing = release.path("nothing");
    for (mut command, reason) in [
        (script("check-version"), "usage"),
        (script("publish-npm"), "usage"),
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
                let mut command = script("check-version");
                command.arg(format!("v{VERSION}"));
                command.env("GITHUB_REPOSITORY", "somebody/else");
                command
            },
            "this is https://github.com/somebody/else, and Cargo.toml says",
        ),
        (
            {
                let mut command = script("package");
                command.args([&nothing, &nothing]);
                command
            },
            "scripts/release/build makes it",
        ),
        (
            {
                let mut command = script("publish-npm");
                command.arg(release.folder.path());
                command
            },
            "scripts/release/package makes it",
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
    assert_eq!(called.len(), 5, "{called:?}");
    for script in called {
        assert!(Path::new(ROOT).join(script).is_file(), "{script}");
    }
}
