//! Who may know whom. Imports go down only; what a module must not know it cannot use.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// Every module, and all that it may import. `main` and `commands` know whom they like.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("ahead", &[]),
    ("cli", &["posthog", "session"]),
    ("fingerprint", &[]),
    ("git", &[]),
    ("host", &["variables"]),
    ("interrupt", &[]),
    ("models", &["session"]),
    ("session", &["fingerprint"]),
    ("transport", &[]),
    ("ui", &[]),
    ("variables", &[]),
    ("detached", &["host", "ui", "variables"]),
    (
        "sources",
        &[
            "fingerprint",
            "git",
            "host",
            "models",
            "session",
            "variables",
        ],
    ),
    ("posthog", &["models", "session", "transport"]),
    (
        "integrations",
        &["git", "host", "session", "sources", "variables"],
    ),
    ("redact", &["posthog"]),
    ("outbox", &["posthog", "fingerprint", "redact"]),
    (
        "config",
        &[
            "consent",
            "posthog",
            "host",
            "outbox",
            "session",
            "transport",
            "variables",
        ],
    ),
    (
        "consent",
        &[
            "git",
            "host",
            "integrations",
            "outbox",
            "sources",
            "transport",
            "variables",
        ],
    ),
    ("deliver", &["host", "outbox", "posthog", "transport"]),
    (
        "pipeline",
        &[
            "ahead",
            "config",
            "consent",
            "git",
            "host",
            "integrations",
            "outbox",
            "posthog",
            "redact",
            "session",
            "sources",
        ],
    ),
    (
        "views",
        &[
            "config",
            "consent",
            "host",
            "integrations",
            "outbox",
            "posthog",
            "session",
            "sources",
            "variables",
        ],
    ),
];

/// What only one file does.
const ONLY_IN: &[(&str, &[&str])] = &[
    (
        "host.rs",
        &["env::var", "Utc::now", "Local::now", "SystemTime::now"],
    ),
    (
        "ui.rs",
        &["println!", "eprintln!", "io::stdout", "io::stderr"],
    ),
];

/// The files of the program, tests left out, with their code: no comments, no test modules.
fn files() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for entry in WalkDir::new(SOURCE).into_iter().filter_map(Result::ok) {
        let path = entry
            .path()
            .strip_prefix(SOURCE)
            .expect("below the source")
            .to_owned();
        let is_test = path.components().any(|part| {
            Path::new(part.as_os_str())
                .file_stem()
                .is_some_and(|stem| stem == "tests")
        });
        if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            let text = fs::read_to_string(entry.path()).expect("source is text");
            let code = text
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or_default();
            let lines = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            files.push((path, lines.collect::<Vec<_>>().join("\n")));
        }
    }
    assert!(files.len() > 30, "the source is found");
    files
}

/// The module of the crate that a file belongs to.
fn module(path: &Path) -> String {
    let first = path.components().next().expect("a file has a name");
    let stem = Path::new(first.as_os_str()).file_stem().expect("a name");
    stem.to_string_lossy().into_owned()
}

/// The modules that a file names by `crate::module`.
fn imports(code: &str) -> BTreeSet<String> {
    let after = code.split("crate::").skip(1);
    let names = after.map(|rest| {
        let end = rest.find(|character: char| !character.is_alphanumeric() && character != '_');
        rest[..end.unwrap_or(rest.len())].to_owned()
    });
    names.filter(|name| !name.is_empty()).collect()
}

#[test]
fn modules_import_only_what_they_may_know() {
    for (path, code) in files() {
        let module = module(&path);
        if matches!(module.as_str(), "main" | "lib" | "commands") {
            continue;
        }
        let (_, allowed) = MAY_IMPORT
            .iter()
            .find(|(name, _)| *name == module)
            .unwrap_or_else(|| panic!("{module} is not in the table"));
        for import in imports(&code) {
            assert!(
                import == module || allowed.contains(&import.as_str()),
                "{} imports {import}, which {module} may not know",
                path.display()
            );
        }
    }
}

#[test]
fn environment_clock_and_terminal_have_one_room_each() {
    for (path, code) in files() {
        for (room, names) in ONLY_IN {
            for name in *names {
                assert!(
                    path == Path::new(room) || !code.contains(name),
                    "{} uses {name}, which only {room} may",
                    path.display()
                );
            }
        }
    }
}

/// A chain of errors is printed with all its causes. An error that names its cause in its message
/// and returns it as `source()`, too, prints it twice: `thiserror` returns fields that are called
/// `source`, and those marked as such.
#[test]
fn no_error_names_a_cause_that_its_source_names_again() {
    for (path, code) in files() {
        let mut messages = code.split("#[error(").skip(1);
        let twice = messages.find(|rest| {
            let message = rest.split(")]").next().unwrap_or_default();
            let fields = &rest[message.len()..];
            let of_variant = fields.split("#[error(").next().unwrap_or_default();
            let returns_cause = ["#[source]", "#[from]"]
                .iter()
                .any(|it| of_variant.contains(it));
            message.contains("{source") || (message.contains("{0") && returns_cause)
        });
        assert_eq!(twice, None, "{}", path.display());
    }
}
