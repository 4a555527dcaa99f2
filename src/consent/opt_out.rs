//! Projects that are left alone.

use std::path::Path;

use crate::host::Host;
use crate::sources::claude_code::settings;

/// A file of this name in a folder leaves everything in and below it alone.
pub const IGNORE_FILE: &str = ".posthog-llma-ignore";

/// Switches a project off in its settings.
const ENABLED: &str = "POSTHOG_LLMA_CC_ENABLED";

/// Why sessions in `directory` are not to be read, if they are not.
#[must_use]
pub fn opted_out(directory: &Path, host: &Host) -> Option<String> {
    let marked = directory
        .ancestors()
        .find(|folder| folder.join(IGNORE_FILE).exists());
    if let Some(folder) = marked {
        return Some(format!("{} is there", folder.join(IGNORE_FILE).display()));
    }
    let settings = settings::of_project(directory, host)?;
    let mut local = settings.local.iter().rev();
    let value = local
        .find_map(|(_, variables)| variables.get(ENABLED))
        .or_else(|| settings.committed.get(ENABLED))?;
    let is_off = matches!(
        value.trim().to_ascii_lowercase().as_str(),
        "false" | "0" | "no"
    );
    is_off.then(|| {
        format!(
            "{ENABLED}=false in the settings of {}",
            settings.root.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use chrono::Utc;

    use super::*;

    #[test]
    fn a_project_is_left_alone_by_a_file_or_by_its_settings() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::bare(Utc::now);
        let inside = root.path().join("project/src");
        fs::create_dir_all(&inside).unwrap();
        assert_eq!(opted_out(&inside, &host), None);

        let folder = root.path().join("project/.claude");
        fs::create_dir(&folder).unwrap();
        for (file, value, off) in [
            ("settings.json", "false", true),
            ("settings.local.json", "true", false),
            ("settings.local.json", "no", true),
            ("settings.local.json", "true", false),
        ] {
            let settings = format!(r#"{{"env":{{"POSTHOG_LLMA_CC_ENABLED":"{value}"}}}}"#);
            fs::write(folder.join(file), settings).unwrap();
            assert_eq!(opted_out(&inside, &host).is_some(), off, "{file} {value}");
        }

        fs::write(root.path().join(IGNORE_FILE), "").unwrap();
        assert!(opted_out(&inside, &host).is_some_and(|why| why.contains(IGNORE_FILE)));
    }
}
