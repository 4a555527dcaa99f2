//! The source of the PostHog project's key: a variable, a file, or a command.
//!
//! A file is read with the other settings. A command is run only by a process that is about to
//! send: it may ask the user, or a network. A repository can choose neither; see `variables`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::api_key::ApiKey;
use super::secret_file::{self, SecretFileError};
use crate::host::Host;
use crate::subprocess::{self, Limits};
use crate::variables::Variable;

/// Limits of the command. A locked keychain asks the user to open it.
const LIMITS: Limits = Limits {
    time: Duration::from_secs(30),
    bytes: 4096,
};

/// The source of the PostHog project's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// A variable with the key itself, or an option of the plugin.
    Variable(Variable),
    /// The file in `POSTHOG_API_KEY_FILE`.
    File {
        /// The file.
        path: PathBuf,
        /// Whether it belongs to the user, and other users of the machine can read it.
        is_readable_by_others: bool,
    },
    /// The command in `POSTHOG_API_KEY_COMMAND`.
    Command(String),
    /// A route of `serve.toml`.
    Route,
}

impl KeySource {
    /// The source as a word for scripts.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Variable(variable) if variable.is_option() => "plugin",
            Self::Variable(_) => "variable",
            Self::File { .. } => "file",
            Self::Command(_) => "command",
            Self::Route => "route",
        }
    }
}

/// Reads the key from a file.
///
/// # Errors
/// A description of the fault, to follow the name of the variable. It never contains the key.
pub(crate) fn key_in_file(text: &str, host: &Host) -> Result<(ApiKey, KeySource), String> {
    let path = absolute(text, host)?;
    let shown = host.short_path(&path);
    let secret = secret_file::read_outside_repositories(&path).map_err(|error| match error {
        SecretFileError::Missing => format!("names {shown}, which is not there; write it first"),
        SecretFileError::Writable => {
            format!("names {shown}, which others can write; use chmod 600 {shown}")
        }
        SecretFileError::Committed | SecretFileError::InOpenFolder => {
            format!("names {shown}, which {error}; move it elsewhere")
        }
        error => format!("names {shown}, which {error}"),
    })?;
    let key = ApiKey::parse(secret.text.trim());
    let key = key.map_err(|problem| format!("names {shown}, whose content {problem}"))?;
    let source = KeySource::File {
        path,
        is_readable_by_others: secret.is_own && secret.is_readable_by_others,
    };
    Ok((key, source))
}

/// The absolute path of the file. A relative one would be resolved in whatever project the user
/// works in, so that the project could choose the key.
fn absolute(text: &str, host: &Host) -> Result<PathBuf, String> {
    let below_home = text.strip_prefix("~/");
    let below_home = below_home.or_else(|| text.strip_prefix(r"~\").filter(|_| cfg!(windows)));
    let path = match (below_home, &host.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    };
    if path.is_absolute() {
        return Ok(path);
    }
    Err(format!("is {text:?}; use an absolute path, or ~/"))
}

/// Runs the command and reads the key that it prints. It runs in the home directory, outside any
/// project.
///
/// # Errors
/// As [`key_in_file`].
pub(crate) fn key_of_command(line: &str, host: &Host) -> Result<ApiKey, String> {
    const ADVICE: &str = "run it in a terminal to see why";
    let mut command = shell(line, host);
    command.env_clear().envs(host.environment());
    let home = host.home.as_deref().filter(|home| home.is_dir());
    command.current_dir(home.unwrap_or(Path::new("/")));
    let printed = subprocess::output(command, LIMITS);
    let printed = printed.map_err(|error| format!("{error}; {ADVICE}"))?;
    let printed = String::from_utf8_lossy(&printed);
    let key = secret_file::without_mark(&printed).trim();
    if key.is_empty() {
        return Err(format!("printed nothing; {ADVICE}"));
    }
    ApiKey::parse(key).map_err(|problem| format!("printed a text that {problem}"))
}

#[cfg(unix)]
fn shell(line: &str, _: &Host) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", line]);
    command
}

#[cfg(windows)]
fn shell(line: &str, host: &Host) -> Command {
    use std::os::windows::process::CommandExt as _;
    // By its path: a project may change `PATH`.
    let mut variables = host.environment();
    let root = variables.find(|(name, _)| name.eq_ignore_ascii_case("SystemRoot"));
    let root = root.map_or(r"C:\Windows".as_ref(), |(_, root)| root);
    let mut command = Command::new(Path::new(root).join(r"System32\cmd.exe"));
    // The shell takes off the outer quotes, and the line is as it was typed, also if it begins with
    // the quoted path of a program. `/D` leaves out commands that every shell begins with, which
    // may print.
    command.args(["/D", "/S", "/C"]);
    command.raw_arg(format!("\"{line}\""));
    command
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn a_file_is_named_by_its_whole_path() {
        let mut host = Host::bare(Utc::now);
        let [home, key] = if cfg!(windows) {
            [r"C:\Users\ada", r"D:\posthog\key"]
        } else {
            ["/home/ada", "/etc/posthog/key"]
        };
        let in_home = Path::new(home).join("key");
        host.home = Some(PathBuf::from(home));
        for (text, path) in [
            (key, Some(Path::new(key))),
            ("~/key", Some(&in_home)),
            (r"~\key", Some(in_home.as_path()).filter(|_| cfg!(windows))),
            ("key", None),
            ("./key", None),
            ("../key", None),
            ("~ada/key", None),
        ] {
            assert_eq!(absolute(text, &host).ok().as_deref(), path, "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_what_a_command_prints() {
        let home = tempfile::tempdir().unwrap();
        let mut host = Host::bare(Utc::now).with("FROM_THE_SHELL", "phc_of_the_shell");
        host.home = Some(dunce::canonicalize(home.path()).unwrap());
        let at_home = format!(
            "[ \"$(pwd)\" = '{}' ]",
            host.home.as_ref().unwrap().display()
        );
        let at_home = format!("{at_home} && echo phc_at_home");
        for (line, expected) in [
            ("echo phc_0123", Ok("phc_0123")),
            ("printf '  phc_0123\r\n\n'", Ok("phc_0123")),
            ("printf '\\357\\273\\277phc_0123\\n'", Ok("phc_0123")),
            ("echo \"$FROM_THE_SHELL\"", Ok("phc_of_the_shell")),
            (at_home.as_str(), Ok("phc_at_home")),
            ("true", Err("printed nothing")),
            ("echo phc_0123; exit 44", Err("ended with exit status: 44")),
            ("echo phc_0123; echo phc_4567", Err("holds white space")),
            ("echo phx_0123", Err("is a personal API key")),
            ("no-such-program", Err("ended with exit status: 127")),
        ] {
            match (key_of_command(line, &host), expected) {
                (Ok(key), Ok(expected)) => assert_eq!(key.secret(), expected, "{line}"),
                (Err(found), Err(expected)) => {
                    assert!(found.contains(expected), "{line}: {found}");
                    assert!(!found.contains("0123"), "{line}: {found}");
                }
                (found, _) => panic!("{line}: {found:?}"),
            }
        }
    }

    #[cfg(windows)]
    #[test]
    fn the_key_is_what_a_command_of_windows_prints() {
        let home = tempfile::tempdir().unwrap();
        let mut host = Host::bare(Utc::now);
        for name in ["SystemRoot", "PATH"] {
            host = host.with(name, &std::env::var(name).unwrap());
        }
        host = host.with("FROM_THE_SHELL", "phc_of_the_shell");
        host.home = Some(dunce::canonicalize(home.path()).unwrap());
        std::fs::create_dir(home.path().join("a folder")).unwrap();
        std::fs::write(home.path().join("a folder/key.cmd"), "@echo %~1%~2").unwrap();
        for (line, expected) in [
            ("echo phc_0123", Ok("phc_0123")),
            ("echo %FROM_THE_SHELL%", Ok("phc_of_the_shell")),
            (r#""a folder\key.cmd" phc_ 0123"#, Ok("phc_0123")),
            (r#""a folder\key.cmd" "phc_" "0123""#, Ok("phc_0123")),
            ("rem", Err("printed nothing")),
            ("echo phc_0123& exit 44", Err("ended with exit code: 44")),
            ("echo phc_0123& echo phc_4567", Err("holds white space")),
            ("no-such-program", Err("ended with exit code: ")),
        ] {
            match (key_of_command(line, &host), expected) {
                (Ok(key), Ok(expected)) => assert_eq!(key.secret(), expected, "{line}"),
                (Err(found), Err(expected)) => {
                    assert!(found.contains(expected), "{line}: {found}");
                    assert!(!found.contains("0123"), "{line}: {found}");
                }
                (found, _) => panic!("{line}: {found:?}"),
            }
        }
    }
}
