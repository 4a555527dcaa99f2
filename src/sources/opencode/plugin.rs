//! Whether OpenCode calls us.

use std::fs;
use std::path::{Path, PathBuf};

use crate::host::Host;
use crate::variables::Variable;

/// The name of our package, in its `package.json`, and of the folder that it lies in.
pub const PACKAGE: &str = "posthog-llma-opencode";

/// Where OpenCode may be told of plugins.
const SETTINGS: [&str; 3] = ["opencode.json", "opencode.jsonc", "config.json"];

/// The file that has OpenCode call us: settings of the user's own or of the current project that
/// name our plugin, or the plugin itself in a folder that is loaded whole.
#[must_use]
pub fn plugin(host: &Host) -> Option<PathBuf> {
    let config = host.path_variable(Variable::XdgConfigHome);
    let config = config.or_else(|| Some(host.home.as_ref()?.join(".config")));
    let own = config.map(|config| config.join("opencode"));
    let project = host.cwd.as_ref().map(|cwd| cwd.join(".opencode"));
    let folders = [own, project, host.cwd.clone()];
    folders
        .into_iter()
        .flatten()
        .find_map(|folder| in_folder(&folder))
}

fn in_folder(folder: &Path) -> Option<PathBuf> {
    let settings = SETTINGS.map(|name| folder.join(name));
    let named = settings.into_iter().find(|file| names_us(file));
    named.or_else(|| {
        let loaded = ["plugin", "plugins"].map(|name| folder.join(name));
        let files = loaded.iter().filter_map(|folder| fs::read_dir(folder).ok());
        let mut files = files.flatten().flatten().map(|entry| entry.path());
        files.find(|path| contains(path, PACKAGE))
    })
}

/// Settings may have comments, so their text is searched: for our package, or for the folder that
/// it is in.
fn names_us(file: &Path) -> bool {
    contains(file, PACKAGE) || contains(file, "plugin/opencode")
}

fn contains(file: &Path, words: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text.contains(words))
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn the_plugin_is_found_by_its_name_wherever_it_is_told() {
        let home = tempfile::tempdir().unwrap();
        let mut host = Host::bare(Utc::now);
        host.home = Some(home.path().to_owned());
        let folder = home.path().join(".config/opencode");
        fs::create_dir_all(folder.join("plugin")).unwrap();
        assert_eq!(plugin(&host), None);
        for (name, text, is_found) in [
            (
                "opencode.json",
                r#"{"plugin":["posthog-llma-opencode@0.1.0"]}"#,
                true,
            ),
            (
                "opencode.jsonc",
                "{\"plugin\": [\"/src/plugin/opencode\"] // ours\n}",
                true,
            ),
            ("opencode.json", r#"{"plugin":["another"]}"#, false),
            ("plugin/ours.js", "// posthog-llma-opencode", true),
        ] {
            let file = folder.join(name);
            fs::write(&file, text).unwrap();
            assert_eq!(
                plugin(&host),
                is_found.then(|| file.clone()),
                "{name}: {text}"
            );
            fs::remove_file(&file).unwrap();
        }
    }
}
