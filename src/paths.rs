//! Folders, whatever the spelling of their paths.
//!
//! One folder has many paths: with links or without, on Windows also in another case, with other
//! separators, with the prefix `\\?\` or with short names. A shell of Unix on Windows writes
//! `C:\shop` in its own way, and sessions may name their folders by it.

use std::path::{Path, PathBuf};

/// Whether the file systems of this system usually ignore the case of names.
const IGNORES_CASE: bool = cfg!(any(windows, target_os = "macos"));

/// Folders below which shells of Unix name the drives of Windows: Git Bash, Cygwin, WSL.
const DRIVES: [&str; 3] = ["", "/cygdrive", "/mnt"];

/// The folder below which WSL names the drives of Windows.
const DRIVES_OF_WSL: &str = "/mnt";

/// Prefixes that Windows puts before a path. They only change how it is parsed.
const PREFIXES: [&str; 3] = [r"\\?\", r"\\.\", r"\??\"];

/// The paths by which a folder may be known: as written, in the form of this system, and without
/// links. A file found below any of them belongs to the folder.
pub(crate) fn spellings(folder: &Path) -> Vec<PathBuf> {
    let mut spellings = vec![folder.to_owned()];
    let native = native(folder);
    let real = dunce::canonicalize(native.as_deref().unwrap_or(folder)).ok();
    for spelling in [native, real].into_iter().flatten() {
        if !spellings.contains(&spelling) {
            spellings.push(spelling);
        }
    }
    spellings
}

/// A path without links, as this system writes it. Its end need not exist.
pub(crate) fn without_links(path: &Path) -> PathBuf {
    let native = native(path);
    let path = native.as_deref().unwrap_or(path);
    let mut there = path.ancestors();
    let resolved = there.find_map(|folder| {
        let real = dunce::canonicalize(folder).ok()?;
        let missing = path.strip_prefix(folder).ok()?;
        // Joining an empty path would add a separator.
        let is_whole = missing == Path::new("");
        Some(if is_whole { real } else { real.join(missing) })
    });
    resolved.unwrap_or_else(|| path.to_owned())
}

/// A path with the separators of this system, each once, and without `.`. Does not ask the file
/// system, so links stay.
pub(crate) fn in_one_form(path: &Path) -> PathBuf {
    path.components().collect()
}

/// Whether two paths lead to one place.
pub(crate) fn are_same(one: &Path, other: &Path) -> bool {
    in_one_case(&without_links(one)) == in_one_case(&without_links(other))
}

/// Whether a path is a folder or below it, by its links or without.
pub(crate) fn lies_in(path: &Path, folder: &Path) -> bool {
    is_below(path, folder) || is_below(&without_links(path), &without_links(folder))
}

/// Whether a path is written as a folder or as one below it, without asking the file system.
pub(crate) fn is_below(path: &Path, folder: &Path) -> bool {
    in_one_case(path).starts_with(in_one_case(folder))
}

/// The path in the form of this system; `None` if it has that form already.
pub(crate) fn native(path: &Path) -> Option<PathBuf> {
    let text = path.to_str()?;
    if cfg!(windows) {
        without_prefix(text).or_else(|| of_windows(text))
    } else {
        of_wsl(text)
    }
}

/// The path of Windows without a prefix: `\\?\C:\shop` is `C:\shop`.
fn without_prefix(text: &str) -> Option<PathBuf> {
    let text = text.replace('/', r"\");
    let bare = PREFIXES
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))?;
    if let Some(share) = bare.get(..4).filter(|it| it.eq_ignore_ascii_case(r"UNC\")) {
        return Some(PathBuf::from(format!(r"\\{}", &bare[share.len()..])));
    }
    drive(bare).map(|_| PathBuf::from(bare))
}

/// The path of Windows for one that a shell of Unix writes, and for the path of a URL: `/c/shop`,
/// `/cygdrive/c/shop`, `/mnt/c/shop` and `/C:/shop` are `C:\shop`.
fn of_windows(text: &str) -> Option<PathBuf> {
    let text = text.replace('\\', "/");
    if let Some((letter, rest)) = text.strip_prefix('/').and_then(drive) {
        return Some(on_drive(letter, rest));
    }
    DRIVES.iter().find_map(|drives| {
        let below = text.strip_prefix(drives)?.strip_prefix('/')?;
        let (name, rest) = below.split_once('/').unwrap_or((below, ""));
        let mut letters = name.chars();
        let letter = letters.next().filter(char::is_ascii_alphabetic)?;
        letters.next().is_none().then(|| on_drive(letter, rest))
    })
}

/// The path of WSL for one of Windows: `C:\shop` is `/mnt/c/shop`.
fn of_wsl(text: &str) -> Option<PathBuf> {
    let text = text.replace('\\', "/");
    let text = ["//?/", "//./", "/??/"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(&text);
    let (letter, rest) = drive(text)?;
    let letter = letter.to_ascii_lowercase();
    let rest = rest.trim_start_matches('/');
    Some(PathBuf::from(format!("{DRIVES_OF_WSL}/{letter}/{rest}")))
}

/// The drive letter at the beginning of a path, and the rest of the path.
fn drive(text: &str) -> Option<(char, &str)> {
    let letter = text.chars().next().filter(char::is_ascii_alphabetic)?;
    let rest = text[1..].strip_prefix(':')?;
    (rest.is_empty() || rest.starts_with(['/', '\\'])).then_some((letter, rest))
}

fn on_drive(letter: char, rest: &str) -> PathBuf {
    let rest = rest.trim_start_matches('/').replace('/', r"\");
    PathBuf::from(format!(r"{}:\{rest}", letter.to_ascii_uppercase()))
}

/// A path for comparison.
fn in_one_case(path: &Path) -> PathBuf {
    // The path of a long folder without links keeps its prefix.
    let native = native(path);
    let path = native.as_deref().unwrap_or(path);
    if IGNORES_CASE {
        PathBuf::from(path.to_string_lossy().to_lowercase())
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn text(path: Option<PathBuf>) -> Option<String> {
        path.map(|path| path.display().to_string())
    }

    #[test]
    fn paths_of_other_shells_are_those_of_windows() {
        for (written, expected) in [
            ("/c/Users/ada", Some(r"C:\Users\ada")),
            ("/c", Some(r"C:\")),
            ("/cygdrive/d/shop", Some(r"D:\shop")),
            ("/mnt/d/shop/", Some(r"D:\shop\")),
            ("/C:/Users/ada", Some(r"C:\Users\ada")),
            (r"\c\Users", Some(r"C:\Users")),
            ("/home/ada", None),
            ("/mnt/shop", None),
            (r"C:\Users", None),
            (r"\\server\share", None),
            ("shop", None),
        ] {
            assert_eq!(text(of_windows(written)).as_deref(), expected, "{written}");
        }
        for (written, expected) in [
            (r"\\?\C:\Users", Some(r"C:\Users")),
            ("//?/C:/Users", Some(r"C:\Users")),
            (r"\\.\C:\Users", Some(r"C:\Users")),
            (r"\??\C:\Users", Some(r"C:\Users")),
            (r"\\?\UNC\server\share\shop", Some(r"\\server\share\shop")),
            (r"\\?\unc\server\share", Some(r"\\server\share")),
            (r"\\?\Volume{7}\shop", None),
            (r"C:\Users", None),
        ] {
            assert_eq!(
                text(without_prefix(written)).as_deref(),
                expected,
                "{written}"
            );
        }
        for (written, expected) in [
            (r"C:\Users\ada", Some("/mnt/c/Users/ada")),
            ("d:/shop", Some("/mnt/d/shop")),
            (r"\\?\C:\Users", Some("/mnt/c/Users")),
            ("C:", Some("/mnt/c/")),
            ("a:b", None),
            ("/home/ada", None),
        ] {
            assert_eq!(text(of_wsl(written)).as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn a_path_has_one_form() {
        let names = ["", "home", "ada", ".pi", "agent"];
        let expected = names.join(std::path::MAIN_SEPARATOR_STR);
        for written in ["/home/ada/.pi/agent", "/home//ada/./.pi/agent/"] {
            assert_eq!(
                in_one_form(Path::new(written)).as_os_str(),
                expected.as_str(),
                "{written}"
            );
        }
    }

    #[test]
    fn a_folder_is_found_before_it_exists() {
        let root = tempfile::tempdir().unwrap();
        let project = root.path().join("project");
        fs::create_dir(&project).unwrap();
        let real = dunce::canonicalize(&project).unwrap();
        assert_eq!(without_links(&project), real);
        assert_eq!(without_links(&project.join("a/b")), real.join("a/b"));
        assert!(lies_in(&project.join("a"), &project));
        assert!(lies_in(&project, &project));
        assert!(!lies_in(&root.path().join("project-2"), &project));
        assert!(are_same(&root.path().join("project/."), &project));
        assert!(!are_same(root.path(), &project));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_behind_a_link_is_the_same() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("project")).unwrap();
        let link = root.path().join("link");
        std::os::unix::fs::symlink("project", &link).unwrap();
        assert!(are_same(&link, &root.path().join("project")));
        assert!(lies_in(&link.join("new"), &root.path().join("project")));
        let spellings = spellings(&link);
        let real = dunce::canonicalize(root.path().join("project")).unwrap();
        assert_eq!(spellings, [link, real]);
    }

    #[cfg(windows)]
    #[test]
    fn a_folder_has_many_spellings() {
        let root = tempfile::tempdir().unwrap();
        let project = dunce::canonicalize(root.path()).unwrap().join("My Project");
        fs::create_dir(&project).unwrap();
        let written = project.to_str().unwrap();
        let (drive, rest) = written.split_once(':').unwrap();
        let rest = rest.replace('\\', "/");
        for other in [
            written.to_uppercase(),
            written.to_lowercase(),
            written.replace('\\', "/"),
            format!(r"\\?\{written}"),
            format!("//?/{drive}:{rest}"),
            format!("/{}{rest}", drive.to_lowercase()),
            format!("/cygdrive/{}{rest}", drive.to_lowercase()),
            format!("/mnt/{}{rest}", drive.to_lowercase()),
            format!(r"{written}\"),
            format!(r"{written}\.\..\my project"),
        ] {
            let other = Path::new(&other);
            assert!(are_same(other, &project), "{}", other.display());
            assert!(lies_in(&other.join("new"), &project), "{}", other.display());
            let found = spellings(other);
            assert!(found.iter().any(|it| it.is_dir()), "{found:?}");
        }
    }
}
