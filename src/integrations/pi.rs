//! The Pi extension: finds the settings that load it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::npm;
use crate::host::Host;
use crate::sources::pi::paths;

/// Name of this program's package, in its `package.json`.
const PACKAGE: &str = "posthog-llma-pi";

/// The command that installs the package, or updates it.
pub(super) const INSTALL: &str = "pi install npm:posthog-llma-pi";

/// The settings file that names the package: the user's own, or that of the current project.
#[must_use]
pub(super) fn extension(host: &Host) -> Option<PathBuf> {
    let own = paths::agent_dir(host).map(|folder| folder.join("settings.json"));
    let of_project = host
        .cwd
        .as_ref()
        .map(|cwd| cwd.join(".pi").join("settings.json"));
    let mut files = [own, of_project].into_iter().flatten();
    files.find(|file| names_us(file))
}

/// The version of the package that Pi loads. Pi (0.87.1) keeps packages of npm in the folder `npm`
/// beside its settings.
#[must_use]
pub(super) fn version(host: &Host) -> Option<String> {
    let file = extension(host)?;
    let source = our_source(&file)?;
    let settings = file.parent()?;
    let installed = settings.join("npm").join("node_modules").join(PACKAGE);
    npm::version(&settings.join(source)).or_else(|| npm::version(&installed))
}

fn names_us(file: &Path) -> bool {
    our_source(file).is_some()
}

/// The package as a settings file names it: its name on npm, or a folder.
fn our_source(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    // Pi itself reads a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let settings: Value = serde_json::from_str(text).ok()?;
    let packages = settings["packages"].as_array()?.iter();
    let mut sources =
        packages.filter_map(|package| package.as_str().or_else(|| package["source"].as_str()));
    let ours = sources.find(|source| is_ours(source, file));
    ours.map(str::to_owned)
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

    #[test]
    fn the_version_is_that_of_the_package_that_pi_loads() {
        let home = tempfile::tempdir().unwrap();
        let mut host = Host::bare(Utc::now);
        host.home = Some(home.path().to_owned());
        let folder = home.path().join(".pi/agent");
        for (package, version) in [
            ("checkout", "0.3.0"),
            ("npm/node_modules/posthog-llma-pi", "0.1.0"),
        ] {
            let package = folder.join(package);
            fs::create_dir_all(&package).unwrap();
            let manifest = format!(r#"{{"name":"{PACKAGE}","version":"{version}"}}"#);
            fs::write(package.join("package.json"), manifest).unwrap();
        }
        for (packages, expected) in [
            (r#"["./checkout"]"#, Some("0.3.0")),
            (r#"["npm:posthog-llma-pi"]"#, Some("0.1.0")),
            (r#"["npm:another"]"#, None),
        ] {
            let settings = format!(r#"{{"packages":{packages}}}"#);
            fs::write(folder.join("settings.json"), settings).unwrap();
            assert_eq!(version(&host).as_deref(), expected, "{packages}");
        }
    }
}
