//! The layout of the source: imports between modules, privileges of single files, lengths of files.
//!
//! `src/lib.rs` lists the imports of every module; the lists here hold for folders inside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Lines of the longest file.
const LONGEST_FILE: usize = 500;

/// Modules of a folder that must not know each other.
const STRANGERS: &[(&str, &[&str])] = &[
    ("sources", &["claude_code", "opencode", "otlp", "pi"]),
    ("integrations", &["claude_code", "opencode", "pi"]),
];

/// Functions that only one file may call.
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

/// A source file of the program.
struct File {
    path: PathBuf,
    /// Names of its module and of those around it, the outermost first.
    module: Vec<String>,
    /// Its text without comments and tests.
    code: String,
}

type Imports = BTreeMap<String, BTreeSet<String>>;

/// Every file of Rust below a folder of the repository, with its text.
fn texts(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(ROOT).join(folder);
    let is_rust = |path: &Path| path.extension().is_some_and(|extension| extension == "rs");
    let mut texts = Vec::new();
    for entry in WalkDir::new(&folder).into_iter().filter_map(Result::ok) {
        if is_rust(entry.path()) {
            let path = entry
                .path()
                .strip_prefix(&folder)
                .expect("below the folder");
            let text = fs::read_to_string(entry.path()).expect("source is text");
            texts.push((path.to_owned(), text));
        }
    }
    assert!(!texts.is_empty(), "{} has source files", folder.display());
    texts
}

/// The files of the program, without those that hold tests alone.
fn files() -> Vec<File> {
    let file = |(path, text): (PathBuf, String)| {
        let parts = path.with_extension("");
        let names = parts.iter().map(|part| part.to_string_lossy().into_owned());
        let module: Vec<String> = names.filter(|name| name != "mod").collect();
        let code = text.split("#[cfg(test)]\nmod tests {").next()?;
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let code = lines.collect::<Vec<_>>().join("\n");
        let is_test = module.iter().any(|name| name == "tests");
        (!is_test).then_some(File { path, module, code })
    };
    texts("src").into_iter().filter_map(file).collect()
}

impl File {
    /// The paths in the file, from the root of the crate.
    fn paths(&self) -> Vec<Vec<&str>> {
        let module: Vec<&str> = self.module.iter().map(String::as_str).collect();
        let mut paths = Vec::new();
        for (colons, _) in self.code.match_indices("::") {
            let head = &self.code[..colons];
            let head = head.trim_end_matches(|it: char| it.is_alphanumeric() || it == '_');
            if head.ends_with("::") {
                continue;
            }
            let path = &self.code[head.len()..];
            if let Some(rest) = path.strip_prefix("crate::") {
                expand(&[], rest, &mut paths);
            } else if let Some(rest) = path.strip_prefix("self::") {
                expand(&module, rest, &mut paths);
            } else if path.starts_with("super::") {
                let (mut base, mut rest) = (&module[..], path);
                while let Some(above) = rest.strip_prefix("super::") {
                    (base, rest) = (&base[..base.len() - 1], above);
                }
                expand(base, rest, &mut paths);
            }
        }
        paths
    }
}

/// Adds the paths below `base` that `text` begins with, as in `a::b` or `a::{b, c::d}`. Returns what
/// follows them.
fn expand<'t>(base: &[&'t str], text: &'t str, paths: &mut Vec<Vec<&'t str>>) -> &'t str {
    if let Some(mut items) = text.strip_prefix('{') {
        loop {
            let rest = expand(base, items.trim_start(), paths);
            let end = rest.find([',', '}']).expect("a group is closed");
            items = &rest[end + 1..];
            if rest[end..].starts_with('}') {
                return items;
            }
        }
    }
    let end = text.find(|it: char| !it.is_alphanumeric() && it != '_');
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let path = [base, &[name]].concat();
    if let Some(rest) = rest.strip_prefix("::") {
        return expand(&path, rest, paths);
    }
    paths.push(path);
    rest
}

/// The imports between the modules of a folder. A name that the folder itself re-exports counts as
/// the module that it comes from.
fn imports_within(folder: &[String], files: &[File]) -> Imports {
    let depth = folder.len();
    let in_folder = |file: &&File| file.module.starts_with(folder);
    let units: BTreeSet<&str> = files
        .iter()
        .filter(in_folder)
        .filter_map(|file| file.module.get(depth).map(String::as_str))
        .collect();
    let below = |path: &[&str]| path.len() > depth && path.iter().zip(folder).all(|(a, b)| a == b);
    let own = files.iter().filter(|file| file.module == folder);
    let re_exported: BTreeMap<&str, &str> = own
        .flat_map(File::paths)
        .filter(|path| below(path) && path.len() == depth + 2 && units.contains(path[depth]))
        .map(|path| (path[depth + 1], path[depth]))
        .collect();
    let mut imports: Imports = units
        .iter()
        .map(|unit| ((*unit).to_owned(), BTreeSet::new()))
        .collect();
    for file in files.iter().filter(in_folder) {
        let Some(unit) = file.module.get(depth) else {
            continue;
        };
        for path in file.paths().iter().filter(|path| below(path)) {
            let name = path[depth];
            let target = units.get(name).or_else(|| re_exported.get(name));
            if let Some(target) = target.filter(|target| *target != unit) {
                imports
                    .entry(unit.clone())
                    .or_default()
                    .insert((*target).to_owned());
            }
        }
    }
    imports
}

/// Removes modules that import none of the rest, and then those that none of the rest imports:
/// circles are left.
fn circles(mut imports: Imports) -> Imports {
    loop {
        let before = imports.len();
        let names: BTreeSet<String> = imports.keys().cloned().collect();
        imports.retain(|_, targets| {
            targets.retain(|target| names.contains(target));
            !targets.is_empty()
        });
        let imported: BTreeSet<String> = imports.values().flatten().cloned().collect();
        imports.retain(|name, _| imported.contains(name));
        if imports.len() == before {
            return imports;
        }
    }
}

#[test]
fn the_map_in_lib_rs_lists_the_imports_of_every_module_and_points_down() {
    let map = fs::read_to_string(Path::new(ROOT).join("src/lib.rs")).expect("source is text");
    let (_, map) = map
        .split_once("//! # Who imports whom\n")
        .expect("lib.rs has the map");
    let rows = map
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `")?.split_once("` | "));
    let rows: Vec<(&str, BTreeSet<&str>)> = rows
        .map(|(module, imports)| {
            let names = imports.trim_end_matches('|').split(',').map(str::trim);
            (module, names.filter(|name| !name.is_empty()).collect())
        })
        .collect();
    for (row, (module, imports)) in rows.iter().enumerate() {
        let below: BTreeSet<&str> = rows[row + 1..].iter().map(|(name, _)| *name).collect();
        assert!(
            imports.is_subset(&below),
            "{module} imports upwards: {imports:?}"
        );
    }
    let files: Vec<File> = files()
        .into_iter()
        .filter(|file| file.module != ["main"] && file.module != ["lib"])
        .collect();
    let actual = imports_within(&[], &files);
    let listed: BTreeMap<&str, BTreeSet<&str>> = rows.into_iter().collect();
    let names: BTreeSet<&str> = actual.keys().map(String::as_str).collect();
    assert_eq!(listed.keys().copied().collect::<BTreeSet<_>>(), names);
    for (module, imports) in &actual {
        let imports: BTreeSet<&str> = imports.iter().map(String::as_str).collect();
        assert_eq!(listed[module.as_str()], imports, "the imports of {module}");
    }
}

#[test]
fn no_folder_holds_a_circle_of_imports() {
    let files = files();
    let folders: BTreeSet<&[String]> = files
        .iter()
        .flat_map(|file| (0..file.module.len()).map(|depth| &file.module[..depth]))
        .collect();
    for folder in folders {
        let name = folder.join("::");
        let imports = imports_within(folder, &files);
        assert_eq!(circles(imports), Imports::new(), "circle in `{name}`");
    }
}

#[test]
fn a_circle_is_what_is_left_of_the_imports() {
    let imports = |pairs: &[(&str, &[&str])]| -> Imports {
        let owned = |it: &&str| (*it).to_owned();
        pairs
            .iter()
            .map(|(name, to)| ((*name).to_owned(), to.iter().map(owned).collect()))
            .collect()
    };
    let tree = imports(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]);
    assert_eq!(circles(tree), Imports::new());
    let tangled = imports(&[("a", &["b"]), ("b", &["c", "d"]), ("c", &["b"]), ("d", &[])]);
    assert_eq!(circles(tangled), imports(&[("b", &["c"]), ("c", &["b"])]));
}

#[test]
fn paths_are_read_out_of_code() {
    let file = File {
        path: PathBuf::from("redact/scan.rs"),
        module: vec!["redact".to_owned(), "scan".to_owned()],
        code: "use super::{keys::{self, Kind as K}, mark};\ncrate::ui::warn(x); self::a::b()"
            .to_owned(),
    };
    let expected: [&[&str]; 5] = [
        &["redact", "keys", "self"],
        &["redact", "keys", "Kind"],
        &["redact", "mark"],
        &["ui", "warn"],
        &["redact", "scan", "a", "b"],
    ];
    assert_eq!(file.paths(), expected);
}

#[test]
fn strangers_do_not_import_each_other() {
    let files = files();
    for (folder, strangers) in STRANGERS {
        let imports = imports_within(&[(*folder).to_owned()], &files);
        for stranger in *strangers {
            let others: Vec<&String> = imports[*stranger]
                .iter()
                .filter(|target| strangers.contains(&target.as_str()))
                .collect();
            assert!(others.is_empty(), "{folder}/{stranger} imports {others:?}");
        }
    }
}

#[test]
fn paths_climb_one_folder_at_most() {
    for (path, text) in texts("src") {
        assert!(!text.contains("super::super"), "{}", path.display());
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    for folder in ["src", "tests", "benches", "examples"] {
        for (path, text) in texts(folder) {
            let (path, lines) = (path.display(), text.lines().count());
            assert!(lines <= LONGEST_FILE, "{folder}/{path} has {lines} lines");
        }
    }
}

#[test]
fn environment_clock_and_terminal_have_one_room_each() {
    for File { path, code, .. } in files() {
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

/// Verbs that begin an instruction to the user.
const IMPERATIVES: &[&str] = &[
    "add ",
    "check ",
    "is there ",
    "look ",
    "make ",
    "mend ",
    "remove ",
    "restart ",
    "run ",
    "set ",
    "start ",
    "try ",
    "update ",
];

/// The next step is a value of its own, `fix()`, which each output of the program places itself.
#[test]
fn no_error_says_what_to_do_about_it() {
    for (path, message, _) in error_messages(&files()) {
        let mut clauses = message.split([';', ':', '(']).map(str::trim_start).skip(1);
        let fix = clauses.find(|it| IMPERATIVES.iter().any(|start| it.starts_with(start)));
        assert_eq!(fix, None, "{path}: {message}");
    }
}

/// A chain of errors is printed with all its causes. An error that names its cause in its message
/// and also returns it as `source()` would print it twice: `thiserror` returns fields called
/// `source`, and those marked as such.
#[test]
fn no_error_names_a_cause_that_its_source_names_again() {
    for (path, message, fields) in error_messages(&files()) {
        let returns_cause = ["#[source]", "#[from]"]
            .iter()
            .any(|it| fields.contains(it));
        let twice = message.contains("{source") || message.contains("{0") && returns_cause;
        assert!(!twice, "{path}: {message}");
    }
}

/// Every message of an error type: its file, the message, and the code of its fields.
fn error_messages(files: &[File]) -> Vec<(String, String, String)> {
    let mut messages = Vec::new();
    for file in files {
        for rest in file.code.split("#[error(").skip(1) {
            let (message, fields) = rest.split_once(")]").expect("an attribute is closed");
            let path = file.path.display().to_string();
            // A line that is continued has a backslash and blanks in it.
            let words = message.replace('\\', " ");
            let message = words.split_whitespace().collect::<Vec<_>>().join(" ");
            messages.push((path, message, fields.to_owned()));
        }
    }
    assert!(messages.len() > 30, "the errors are found");
    messages
}
