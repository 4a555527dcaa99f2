//! The marketplace of the plugin: checks that Claude Code can load the installed plugin.
//!
//! Seen in version 2.1.332: `plugins/known_marketplaces.json` holds the source of each marketplace.
//! A plugin of a marketplace that is a folder is read from that folder at every start; the copy in
//! `plugins/cache` is no substitute. If the folder was moved, no longer lists the plugin or has
//! lost its files, Claude Code starts without the plugin and reports it only in `/plugin` and
//! `claude plugin list`. A missing `known_marketplaces.json` is created again from the settings: an
//! administrator's settings name the source of the marketplace too.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::in_force::InForce;
use super::settings::content::PLUGIN;
use crate::host::Host;
use crate::sources::claude_code::places::config_dir;

/// The list of plugins in the folder of a marketplace.
const LIST: &str = ".claude-plugin/marketplace.json";

/// Reason for which Claude Code does not load the installed plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unloadable {
    /// A list of marketplaces or plugins cannot be read.
    List {
        /// The file.
        file: PathBuf,
        /// The error of reading it.
        cause: String,
    },
    /// The folder from which the marketplace was added holds no marketplace.
    NoMarketplace(PathBuf),
    /// The marketplace does not list the plugin.
    NotListed(PathBuf),
    /// The marketplace lists the plugin, and its folder is missing.
    NoFiles(PathBuf),
}

#[derive(Deserialize)]
struct Known {
    #[serde(default)]
    source: Source,
}

#[derive(Default, Deserialize)]
struct Source {
    #[serde(default)]
    source: String,
    #[serde(default)]
    path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Marketplace {
    #[serde(default)]
    plugins: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    /// A path below the marketplace, or an object that names another place.
    #[serde(default)]
    source: Value,
}

/// Whether the marketplace of the plugin was added.
#[must_use]
pub fn is_known(host: &Host) -> bool {
    matches!(source(host), Ok(Some(_)))
}

/// The version of the plugin in the folder that its marketplace was added from, which Claude Code
/// loads; `None` if the marketplace is no folder.
#[must_use]
pub fn version_in_folder(host: &Host) -> Option<String> {
    in_folder(host).map(|(version, _)| version)
}

/// The version and the files of the plugin in the folder that its marketplace was added from;
/// `None` if the marketplace is no folder.
pub(super) fn in_folder(host: &Host) -> Option<(String, PathBuf)> {
    let source = source(host).ok().flatten()?;
    let folder = source.path.filter(|_| source.source == "directory")?;
    let marketplace: Marketplace = read(&folder.join(LIST)).ok().flatten()?;
    let (plugin, _) = names();
    let mut plugins = marketplace.plugins.into_iter();
    let listed = plugins.find(|listed| listed.name == plugin)?;
    let files = folder.join(listed.source.as_str()?);
    let manifest: Option<Value> = read(&files.join(".claude-plugin").join("plugin.json")).ok()?;
    let version = manifest?["version"].as_str()?.to_owned();
    Some((version, files))
}

/// The names of the plugin and of its marketplace.
fn names() -> (&'static str, &'static str) {
    PLUGIN.split_once('@').unwrap_or((PLUGIN, ""))
}

/// The source of the marketplace; `None` if neither the user nor the administrator added it.
fn source(host: &Host) -> Result<Option<Source>, Unloadable> {
    let Some(config) = config_dir(host) else {
        return Ok(None);
    };
    let known: Option<BTreeMap<String, Known>> =
        read(&config.join("plugins").join("known_marketplaces.json"))?;
    let (_, marketplace) = names();
    let known = known.and_then(|mut known| Some(known.remove(marketplace)?.source));
    Ok(known.or_else(|| managed_source(marketplace, host)))
}

/// The source of a marketplace that the administrator's settings name.
fn managed_source(marketplace: &str, host: &Host) -> Option<Source> {
    let settings = InForce::read(host);
    let mut named = settings
        .entries("extraKnownMarketplaces", marketplace)
        .into_iter();
    let (named, _) = named.find(|(_, file)| file.is_managed())?;
    let known: Known = serde_json::from_value(named.clone()).ok()?;
    Some(known.source)
}

/// Checks that Claude Code can load the plugin from the folder that its marketplace was added from.
///
/// # Errors
/// The part that is missing or cannot be read.
pub fn check_loadable(host: &Host) -> Result<(), Unloadable> {
    match source(host)? {
        Some(Source {
            source,
            path: Some(folder),
        }) if source == "directory" => check_folder(&folder, names().0),
        _ => Ok(()),
    }
}

fn check_folder(folder: &Path, plugin: &str) -> Result<(), Unloadable> {
    let file = folder.join(LIST);
    let marketplace: Option<Marketplace> = read(&file)?;
    let marketplace = marketplace.ok_or_else(|| Unloadable::NoMarketplace(folder.to_owned()))?;
    let mut plugins = marketplace.plugins.into_iter();
    let listed = plugins.find(|listed| listed.name == plugin);
    let listed = listed.ok_or(Unloadable::NotListed(file))?;
    match listed.source.as_str().map(|path| folder.join(path)) {
        Some(files) if !files.is_dir() => Err(Unloadable::NoFiles(files)),
        _ => Ok(()),
    }
}

/// Reads a file of JSON; `None` if there is no file.
fn read<T: for<'a> Deserialize<'a>>(file: &Path) -> Result<Option<T>, Unloadable> {
    let unreadable = |cause: String| Unloadable::List {
        file: file.to_owned(),
        cause,
    };
    match fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| unreadable(error.to_string())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(unreadable(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_folder_of_the_marketplace_has_to_hold_the_plugin() {
        let root = tempfile::tempdir().unwrap();
        let mut host = Host::bare(Utc::now);
        host.home = Some(root.path().to_owned());
        let folder = root.path().join("checkout");
        let list = folder.join(".claude-plugin/marketplace.json");
        let known = root.path().join(".claude/plugins/known_marketplaces.json");
        let write = |file: &Path, content: String| {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        };
        // Claude Code creates the list again.
        assert_eq!(check_loadable(&host), Ok(()));
        let registered = |source: &str| {
            let source = json!({ "source": source, "path": folder });
            json!({ "posthog-llma": { "source": source, "installLocation": folder } }).to_string()
        };
        write(&known, registered("github"));
        assert_eq!(check_loadable(&host), Ok(()));
        write(&known, registered("directory"));
        let missing = Err(Unloadable::NoMarketplace(folder.clone()));
        assert_eq!(check_loadable(&host), missing);
        let listing =
            |name: &str| json!({ "plugins": [{ "name": name, "source": "./plugin" }] }).to_string();
        write(&list, listing("other"));
        assert_eq!(
            check_loadable(&host),
            Err(Unloadable::NotListed(list.clone()))
        );
        write(&list, listing("posthog"));
        let missing = Err(Unloadable::NoFiles(folder.join("./plugin")));
        assert_eq!(check_loadable(&host), missing);
        fs::create_dir(folder.join("plugin")).unwrap();
        assert_eq!(check_loadable(&host), Ok(()));
        let manifest = folder.join("plugin/.claude-plugin/plugin.json");
        write(&manifest, json!({ "version": "0.3.0" }).to_string());
        assert_eq!(version_in_folder(&host).as_deref(), Some("0.3.0"));
        for file in [&known, &list] {
            let before = fs::read_to_string(file).unwrap();
            write(file, "{".to_owned());
            let found = check_loadable(&host);
            assert!(matches!(found, Err(Unloadable::List { .. })), "{found:?}");
            write(file, before);
        }
    }
}
