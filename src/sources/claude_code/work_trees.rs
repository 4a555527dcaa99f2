//! Work trees that Claude Code makes, and their projects.
//!
//! `claude --worktree` (2.1.49 and later) runs a session in `.claude/worktrees/<name>` of its
//! project; a hook of the user may choose another place. A `worktree-state` line states it at the
//! beginning of the transcript, and again later (seen in 2.1.332).

use std::path::Path;

use serde::Deserialize;

use super::kinds::LineKind;
use crate::sources::jsonl::{Lines, Word, objects};
use crate::sources::lenient::{Text, known};
use crate::sources::work_tree::WorkTree;

/// Bytes of a transcript in which to look for the line, which is the first one of a session that
/// begins in a work tree.
const FURTHEST: u64 = 256 << 10;

/// A part of the type of that line.
const WORD: &str = "worktree";

/// Path of work trees in a project.
const FOLDERS: [&str; 2] = [".claude", "worktrees"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: LineKind<'a>,
    #[serde(borrow, default)]
    worktree_session: Option<State<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct State<'a> {
    #[serde(borrow, default, deserialize_with = "known")]
    original_cwd: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    worktree_path: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    worktree_name: Option<Text<'a>>,
}

/// The work trees in the lines of a transcript; none when it cannot be read.
#[must_use]
pub(super) fn work_trees(transcript: &Path) -> Vec<WorkTree> {
    let mut trees = Vec::new();
    let Ok(mut lines) = Lines::beginning(transcript) else {
        return trees;
    };
    let word = Word::new(WORD);
    while let Ok(Some(line)) = lines.next_line() {
        if line.offset > FURTHEST {
            break;
        }
        if !word.may_be_in(line.bytes) {
            continue;
        }
        objects(&line.text(), |line: Line<'_>| {
            let is_state = line.kind == LineKind::WorktreeState;
            let state = line.worktree_session.filter(|_| is_state);
            let tree = state.and_then(|state| {
                Some(WorkTree {
                    root: state.worktree_path?.0.into_owned(),
                    name: state.worktree_name?.0.into_owned(),
                    project: state.original_cwd?.0.into_owned(),
                })
            });
            if let Some(tree) = tree.filter(|tree| !trees.contains(tree)) {
                trees.push(tree);
            }
        });
    }
    trees
}

/// The work tree that contains a folder, by its path alone.
#[must_use]
pub(super) fn work_tree_of(folder: &str) -> Option<WorkTree> {
    ['/', '\\'].into_iter().find_map(|separator| {
        let [claude, worktrees] = FOLDERS;
        let between = format!("{separator}{claude}{separator}{worktrees}{separator}");
        let (project, below) = folder.split_once(&between)?;
        let name = below
            .split(separator)
            .next()
            .filter(|name| !name.is_empty())?;
        let root = folder.len() - below.len() + name.len();
        Some(WorkTree {
            root: folder[..root].to_owned(),
            name: name.to_owned(),
            project: project.to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_work_tree_contains_its_project() {
        for (folder, expected) in [
            (
                "/home/ada/shop/.claude/worktrees/fix",
                Some([
                    "/home/ada/shop/.claude/worktrees/fix",
                    "fix",
                    "/home/ada/shop",
                ]),
            ),
            (
                "/home/ada/shop/.claude/worktrees/fix/api/src",
                Some([
                    "/home/ada/shop/.claude/worktrees/fix",
                    "fix",
                    "/home/ada/shop",
                ]),
            ),
            (
                r"C:\shop\.claude\worktrees\fix\api",
                Some([r"C:\shop\.claude\worktrees\fix", "fix", r"C:\shop"]),
            ),
            ("/home/ada/shop/.claude/worktrees/", None),
            ("/home/ada/shop/.claude/worktrees", None),
            ("/home/ada/shop/worktrees/fix", None),
            ("/home/ada/shop", None),
            ("", None),
        ] {
            let tree = work_tree_of(folder).map(|it| [it.root, it.name, it.project]);
            assert_eq!(tree, expected.map(|it| it.map(str::to_owned)), "{folder}");
        }
    }

    #[test]
    fn lines_name_work_trees_in_any_place() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let state = r#"{"type":"worktree-state","worktreeSession":{"originalCwd":"/shop","worktreePath":"/trees/fix","worktreeName":"fix"}}"#;
        let lines = [
            r#"{"type":"worktree-state"}"#,
            r#"{"type":"worktree-state","worktreeSession":null}"#,
            r#"{"type":"worktree-state","worktreeSession":{"originalCwd":7}}"#,
            r#"{"type":"user","worktreeSession":{"originalCwd":"/a","worktreePath":"/b","worktreeName":"c"}}"#,
            state,
            state,
        ];
        std::fs::write(file.path(), lines.join("\n")).unwrap();
        let expected = WorkTree {
            root: "/trees/fix".to_owned(),
            name: "fix".to_owned(),
            project: "/shop".to_owned(),
        };
        assert_eq!(work_trees(file.path()), [expected]);
        assert_eq!(work_trees(Path::new("/missing")), []);
    }
}
