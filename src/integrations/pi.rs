//! The Pi extension: finds the settings that load it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::host::Host;
use crate::sources::pi::paths;

/// Name of this program's package, in its `package.json`.
const PACKAGE: &str = "posthog-llma-pi";

/// The settings file that names the package: the user's own, or that of the current project.
#[must_use]
pub(super) fn extension(host: &Host) -> Option<PathBuf> {
    let own = paths::agent_dir(host).map(|folder| folder.join("settings.json"));
    let of_project = host.cwd.as_ref().map(|cwd| cwd.join(".pi/settings.json"));
    let mut files = [own, of_project].into_iter().flatten();
    files.find(|file| names_us(file))
}

fn names_us(file: &Path) -> bool {
    let settings = fs::read(file).ok();
    let settings: Option<Value> = settings.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let packages = settings.as_ref().and_then(|it| it["packages"].as_array());
    packages.into_iter().flatten().any(|package| {
        let source = package.as_str().or_else(|| package["source"].as_str());
        source.is_some_and(|source| is_ours(source, file))
    })
}

/// Whether a source of Pi's settings is the package: by its name on npm, or by the `package.json`
/// in its folder.
fn is_ours(source: &str, settings: &Path) -> bool {
    let folder = settings.parent().unwrap_or(Path::new("")).join(source);
    let manifest = fs::read(folder.join("package.json")).ok();
    let manifest: Option<Value> = manifest.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    source.contains(PACKAGE) || manifest.is_some_and(|manifest| manifest["name"] == PACKAGE)
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn a_package_is_found_by_its_name_wherever_it_comes_from() {
        let home = tempfile::tempdir().unwrap();
        let mut host = Host::bare(Utc::now);
        host.home = Some(home.path().to_owned());
        let folder = home.path().join(".pi/agent");
        fs::create_dir_all(folder.join("ours")).unwrap();
        fs::write(
            folder.join("ours/package.json"),
            format!(r#"{{"name":"{PACKAGE}"}}"#),
        )
        .unwrap();
        let file = folder.join("settings.json");
        for (packages, is_found) in [
            (r#"["./ours"]"#, true),
            (r#"[{"source":"ours"}]"#, true),
            (r#"["npm:posthog-llma-pi@0.1.0"]"#, true),
            (r#"["npm:another", 7, {}]"#, false),
            ("7", false),
        ] {
            fs::write(&file, format!(r#"{{"packages":{packages}}}"#)).unwrap();
            assert_eq!(
                extension(&host),
                is_found.then(|| file.clone()),
                "{packages}"
            );
        }
        fs::write(&file, "{").unwrap();
        assert_eq!(extension(&host), None);
    }
}
