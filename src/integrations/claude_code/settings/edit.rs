//! Edits of the `env` block of a settings file. Every other byte of the file stays.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstObjectProp, CstRootNode};
use serde_json::{Map, Value, json};

use crate::files;
use crate::variables::yes_or_no;

/// Byte order mark, which Claude Code skips and strict JSON does not allow.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Size in bytes of what setup writes at most.
const MORE_BYTES: usize = 4096;

/// Reason for which a settings file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The operating system refused the operation.
    #[error("cannot {what} {}: {reason}", path.display())]
    File {
        /// The operation.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        reason: io::Error,
    },
    /// The file is write-protected.
    #[error("{} is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// The file is not JSON that Claude Code reads.
    #[error("{} cannot be read as JSON, and Claude Code ignores it too: {problem}", path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// The error and its position.
        problem: String,
    },
    /// The file is JSON of another structure.
    #[error("{} is no settings file: {what} is not a JSON object", path.display())]
    NotSettings {
        /// The file.
        path: PathBuf,
        /// The part with another structure.
        what: &'static str,
    },
}

impl EditError {
    /// The next step for the user; `None` if the message of the system says all there is.
    #[must_use]
    pub const fn fix(&self) -> Option<&'static str> {
        match self {
            Self::File { .. } => None,
            Self::ReadOnly(_) => Some("make it writable, or set the variables where it comes from"),
            Self::NotJson { .. } => {
                Some("mend it first (comments and commas at the end of a list are not allowed)")
            }
            Self::NotSettings { .. } => Some("mend it first"),
        }
    }
}

/// A settings file with its content when it was opened.
#[derive(Debug)]
pub struct SettingsFile {
    path: PathBuf,
    /// The target of a symbolic link, otherwise the same path.
    target: PathBuf,
    existing: Option<Existing>,
}

#[derive(Debug)]
struct Existing {
    text: String,
    permissions: Permissions,
}

impl SettingsFile {
    /// Reads the file and checks that it can be changed. A missing file is no error.
    ///
    /// # Errors
    /// When it cannot be read or written, or does not hold settings.
    pub fn open(path: &Path) -> Result<Self, EditError> {
        let failed = |reason| failed_to("read", path, reason);
        let mut file = Self {
            path: path.to_owned(),
            target: path.to_owned(),
            existing: None,
        };
        if fs::symlink_metadata(path).is_ok() {
            // A link stays a link: its target is changed.
            file.target = dunce::canonicalize(path).map_err(failed)?;
            let permissions = file.target.metadata().map_err(failed)?.permissions();
            let text = fs::read_to_string(&file.target).map_err(failed)?;
            check(path, &text)?;
            if permissions.readonly() {
                return Err(EditError::ReadOnly(path.to_owned()));
            }
            file.existing = Some(Existing { text, permissions });
        }
        Ok(file)
    }

    /// Checks that a file as large as this one, and a little more, can be written beside it.
    ///
    /// # Errors
    /// When it cannot: the folder is read-only, or the disk is full.
    pub fn check_room(&self) -> Result<(), EditError> {
        let folders = self.target.ancestors().skip(1);
        let Some(folder) = folders.into_iter().find(|folder| folder.is_dir()) else {
            return Ok(());
        };
        let bytes = vec![b' '; self.text().len() + MORE_BYTES];
        let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
            file.write_all(&bytes)
                .and_then(|()| file.as_file().sync_all())
        });
        written.map_err(|reason| failed_to("write", &self.path, reason))
    }

    /// Whether the file sets a variable.
    #[must_use]
    pub fn sets(&self, name: &str) -> bool {
        value(self.text(), name).is_some()
    }

    /// The text of the file with these variables and without others; `None` if it is so already.
    #[must_use]
    pub fn with(&self, variables: &[(&str, &str)], others: &[&str]) -> Option<String> {
        let text = with_variables(self.text(), variables);
        let text = without_variables(&text, others);
        (text != self.text()).then_some(text)
    }

    /// The text of the file without these variables, of which one switches something on; `None` if
    /// it has none of them. Values that the user had for the others while it was off come back.
    ///
    /// If a copy by [`SettingsFile::back_up`] has the same settings, the text is exactly that copy.
    #[must_use]
    pub fn without(&self, names: &[&str], switch: &str) -> Option<String> {
        let text = without_variables(self.text(), names);
        if text == self.text() {
            return None;
        }
        let is_off = |copy: &String| {
            let switch = value(copy, switch);
            let said = switch.as_ref().and_then(Value::as_str);
            switch.is_none() || said.and_then(yes_or_no) == Some(false)
        };
        let before = self.texts().find(is_off);
        let values: Vec<(&str, String)> = names
            .iter()
            .filter_map(|name| {
                let value = value(before.as_deref()?, name)?;
                Some((*name, value.as_str()?.to_owned()))
            })
            .collect();
        let text = if values.is_empty() {
            text
        } else {
            let values: Vec<_> = values.iter().map(|(name, it)| (*name, &**it)).collect();
            with_variables(&text, &values)
        };
        Some(self.backed_up(&text).unwrap_or(text))
    }

    /// Whether an empty object is left, and there was no file before the first change.
    #[must_use]
    pub fn is_ours(&self, text: &str) -> bool {
        is_blank(text) && self.target == self.path && self.backed_up(text).is_none()
    }

    /// Copies the file beside itself. `None` if there is no file.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub fn back_up(&self, now: DateTime<Utc>) -> Result<Option<PathBuf>, EditError> {
        let Some(existing) = &self.existing else {
            return Ok(None);
        };
        let stem = format!("{}{}", self.backup_prefix(), now.format("%Y%m%d-%H%M%S"));
        // Older copies are never overwritten.
        for number in 1.. {
            let name = match number {
                1 => stem.clone(),
                number => format!("{stem}-{number}"),
            };
            let copy = self.path.with_file_name(name);
            match write_new(&copy, &existing.text, Some(&existing.permissions)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(reason) => return Err(failed_to("write", &copy, reason)),
                Ok(()) => return Ok(Some(copy)),
            }
        }
        Ok(None)
    }

    /// Replaces the file: writes and syncs a temporary file beside it with the same permissions,
    /// then renames it. Only the user can read a new file, since it holds a key.
    ///
    /// # Errors
    /// When that fails; the file is then unchanged.
    pub fn save(&self, text: &str) -> Result<(), EditError> {
        let failed = |reason| failed_to("write", &self.path, reason);
        let folder = self.target.parent().unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let temporary = self.beside(&format!(".new-{}", std::process::id()));
        let permissions = self.existing.as_ref().map(|existing| &existing.permissions);
        let replaced = write_new(&temporary, text, permissions)
            .and_then(|()| files::replace(&temporary, &self.target));
        if replaced.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        replaced.map_err(failed)
    }

    /// Removes the file.
    ///
    /// # Errors
    /// When that fails.
    pub fn delete(&self) -> Result<(), EditError> {
        fs::remove_file(&self.path).map_err(|reason| failed_to("remove", &self.path, reason))
    }

    fn text(&self) -> &str {
        let text = self.existing.as_ref().map(|existing| &existing.text);
        text.map_or("", String::as_str)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.target.file_name().unwrap_or_default().to_owned();
        name.push(suffix);
        self.target.with_file_name(name)
    }

    fn backup_prefix(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        format!("{}.backup-", name.to_string_lossy())
    }

    /// The copies by [`SettingsFile::back_up`], the oldest first.
    fn copies(&self) -> Vec<PathBuf> {
        let prefix = self.backup_prefix();
        let is_time = |it: &str| it.bytes().all(|it| it.is_ascii_digit() || it == b'-');
        let is_copy = |name: &str| name.strip_prefix(&prefix).is_some_and(is_time);
        let folder = self.path.parent().map(fs::read_dir);
        let entries = folder.into_iter().flatten().flatten().flatten();
        let mut copies: Vec<PathBuf> = entries
            .filter(|entry| is_copy(&entry.file_name().to_string_lossy()))
            .map(|entry| entry.path())
            .collect();
        copies.sort();
        copies
    }

    /// Removes the copies by [`SettingsFile::back_up`]. Returns their number.
    ///
    /// # Errors
    /// When one of them cannot be removed.
    pub fn delete_copies(&self) -> Result<usize, EditError> {
        let copies = self.copies();
        for copy in &copies {
            fs::remove_file(copy).map_err(|reason| failed_to("remove", copy, reason))?;
        }
        Ok(copies.len())
    }

    /// The newest copy with the same meaning.
    fn backed_up(&self, text: &str) -> Option<String> {
        let said = meaning(text)?;
        self.texts()
            .find(|copy| meaning(copy).as_ref() == Some(&said))
    }

    /// The texts of the copies, the newest first.
    fn texts(&self) -> impl Iterator<Item = String> {
        let copies = self.copies().into_iter().rev();
        copies.filter_map(|copy| fs::read_to_string(copy).ok())
    }
}

fn failed_to(what: &'static str, path: &Path, reason: io::Error) -> EditError {
    let path = path.to_owned();
    EditError::File { what, path, reason }
}

fn write_new(path: &Path, text: &str, permissions: Option<&Permissions>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(path)?;
    let mut write = || {
        file.write_all(text.as_bytes())?;
        if let Some(permissions) = permissions {
            file.set_permissions(permissions.clone())?;
        }
        file.sync_all()
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

fn check(path: &Path, text: &str) -> Result<(), EditError> {
    let not_settings = |what| EditError::NotSettings {
        path: path.to_owned(),
        what,
    };
    let value = parse(text).map_err(|error| EditError::NotJson {
        path: path.to_owned(),
        problem: error.to_string(),
    })?;
    let settings = value.as_object().ok_or_else(|| not_settings("all of it"))?;
    match settings.get("env") {
        Some(env) if !env.is_object() => Err(not_settings("env")),
        _ => Ok(()),
    }
}

/// An empty file means no settings to Claude Code.
fn parse(text: &str) -> serde_json::Result<Value> {
    match split_mark(text).1 {
        text if text.trim().is_empty() => Ok(Value::Object(Map::new())),
        text => serde_json::from_str(text),
    }
}

/// The meaning of a text: equal for two that differ only in spaces, in order or by an empty block.
fn meaning(text: &str) -> Option<Value> {
    let mut settings = parse(text).ok()?;
    let all = settings.as_object_mut()?;
    if all.get("env") == Some(&json!({})) {
        all.shift_remove("env");
    }
    Some(settings)
}

/// The value of a variable.
fn value(text: &str, name: &str) -> Option<Value> {
    let mut settings = parse(text).ok()?;
    Some(settings.get_mut("env")?.get_mut(name)?.take())
}

fn is_blank(text: &str) -> bool {
    parse(text).is_ok_and(|value| value.as_object().is_some_and(Map::is_empty))
}

fn split_mark(text: &str) -> (&str, &str) {
    let rest = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    text.split_at(text.len() - rest.len())
}

fn with_variables(text: &str, variables: &[(&str, &str)]) -> String {
    let is_new = is_blank(text);
    let mut text = edit(text, |root| {
        let settings = &root.object_value_or_set();
        let env = last(settings, "env").and_then(|env| env.value()?.as_object());
        let env = env.or_else(|| {
            let nothing = CstInputValue::Object(Vec::new());
            settings.append("env", nothing).value()?.as_object()
        });
        for (name, value) in variables {
            let Some(env) = &env else { break };
            let value = CstInputValue::String((*value).to_owned());
            match last(env, name) {
                Some(variable) => variable.set_value(value),
                None => drop(env.append(name, value)),
            }
        }
    });
    if is_new && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn without_variables(text: &str, names: &[&str]) -> String {
    edit(text, |root| {
        let settings = root.object_value();
        let Some(property) = settings.and_then(|settings| last(&settings, "env")) else {
            return;
        };
        let Some(env) = property.value().and_then(|env| env.as_object()) else {
            return;
        };
        let before = env.properties().len();
        for name in names {
            while let Some(variable) = last(&env, name) {
                variable.remove();
            }
        }
        let left = env.properties().len();
        if left == 0 && before > 0 {
            property.remove();
        }
    })
}

/// The text was checked before. Text without settings is returned unchanged.
fn edit(text: &str, change: impl FnOnce(&CstRootNode)) -> String {
    let (mark, body) = split_mark(text);
    let Ok(root) = CstRootNode::parse(body, &ParseOptions::default()) else {
        return text.to_owned();
    };
    change(&root);
    format!("{mark}{root}")
}

/// The last of several properties with one name, which counts in JavaScript.
fn last(object: &CstObject, name: &str) -> Option<CstObjectProp> {
    let mut properties = object.properties().into_iter().rev();
    properties.find(|property| property.decoded_name().as_deref() == Some(name))
}

#[cfg(test)]
mod tests;
