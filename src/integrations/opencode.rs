//! The OpenCode plugin: finds the settings or folder that load it.

use std::fs;
use std::path::{Path, PathBuf};

use super::npm;
use crate::host::Host;
use crate::paths::native;
use crate::variables::Variable;

/// Name of this program's package, in its `package.json`, and of its folder.
const PACKAGE: &str = "posthog-llma-opencode";

/// The command that installs the package, or updates it (1.18.33).
pub(super) const INSTALL: &str = "opencode plugin --global --force posthog-llma-opencode";

/// Names of OpenCode's settings files and plugin folders.
const SETTINGS: [&str; 3] = ["opencode.json", "opencode.jsonc", "config.json"];

/// Words in the file of the plugin. Copies of earlier versions do not contain the name of the
/// package.
const OURS: [&str; 2] = [PACKAGE, "PostHogLlma"];

/// Folder of the administrator's settings (1.18.33).
const MANAGED: &str = if cfg!(target_os = "macos") {
    "/Library/Application Support/opencode"
} else if cfg!(windows) {
    r"C:\ProgramData\opencode"
} else {
    "/etc/opencode"
};

/// The file by which OpenCode calls this program: settings that name the plugin, or the plugin
/// itself in a plugin folder; the name of the variable, if that holds the settings. Searched in the
/// same places as by OpenCode: in its variables, the user's own folders, the machine's, and the
/// project with the folders above, up to the root of the repository.
#[must_use]
pub(super) fn plugin(host: &Host) -> Option<PathBuf> {
    let named = host.path_variable(Variable::OpencodeConfig);
    if let Some(file) = named.filter(|file| names_us(file, host)) {
        return Some(file);
    }
    let content = Variable::OpencodeConfigContent;
    let text = host.variable(content).ok().flatten();
    let folder = host.cwd.as_deref().unwrap_or(Path::new(""));
    if text.is_some_and(|text| says_us(text, folder, host)) {
        return Some(content.name().into());
    }
    let config = host.path_variable(Variable::XdgConfigHome);
    let config = config.or_else(|| Some(host.home.as_ref()?.join(".config")));
    let own = [
        host.path_variable(Variable::OpencodeConfigDir),
        config.map(|config| config.join("opencode")),
        host.home.as_ref().map(|home| home.join(".opencode")),
        Some(MANAGED.into()),
    ];
    let without = host.variable(Variable::OpencodeWithoutProjects);
    let is_without = matches!(without, Ok(Some("1" | "true")));
    let cwd = host.cwd.iter().filter(|_| !is_without);
    let of_project = cwd.flat_map(|cwd| upwards(cwd));
    let of_project = of_project.flat_map(|folder| [folder.join(".opencode"), folder.to_owned()]);
    own.into_iter()
        .flatten()
        .chain(of_project)
        .find_map(|folder| in_folder(&folder, host))
}

/// The version of the package that OpenCode loads; `None` for a copy of the plugin's file alone.
#[must_use]
pub(super) fn version(host: &Host) -> Option<String> {
    let file = plugin(host)?;
    let is_settings = SETTINGS.iter().any(|name| file.ends_with(name));
    let named = host.path_variable(Variable::OpencodeConfig);
    let text = if file == Path::new(Variable::OpencodeConfigContent.name()) {
        host.variable(Variable::OpencodeConfigContent)
            .ok()??
            .to_owned()
    } else if is_settings || named.as_ref() == Some(&file) {
        fs::read_to_string(&file).ok()?
    } else {
        return None;
    };
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut paths = paths(&text, folder, host);
    match paths.find(|path| is_ours(path)) {
        Some(path) => npm::version(&path).or_else(|| npm::version(path.parent()?)),
        None => cached(host),
    }
}

/// The version of the package in OpenCode's cache, where 1.18.33 keeps each below the name by which
/// settings name it. Of several, the one that was installed last.
fn cached(host: &Host) -> Option<String> {
    let cache = host.path_variable(Variable::XdgCacheHome);
    let cache = cache.or_else(|| Some(host.home.as_ref()?.join(".cache")))?;
    let cache = cache.join("opencode");
    let folders = fs::read_dir(cache.join("packages")).into_iter().flatten();
    let folders = folders.flatten().map(|entry| entry.path());
    let ours = folders.filter(|folder| {
        let name = folder.file_name();
        name.is_some_and(|name| name.to_string_lossy().starts_with(PACKAGE))
    });
    let packages = ours.chain([cache]);
    let packages = packages.map(|folder| folder.join("node_modules").join(PACKAGE));
    let installed = |package: &PathBuf| package.join("package.json").metadata()?.modified();
    let last = packages
        .filter(|package| installed(package).is_ok())
        .max_by_key(|package| installed(package).ok());
    npm::version(&last?)
}

/// A folder and those above it, up to the root of its repository; without a repository, only the
/// folder.
fn upwards(cwd: &Path) -> impl Iterator<Item = &Path> {
    let root = cwd.ancestors().position(|it| it.join(".git").exists());
    cwd.ancestors().take(root.unwrap_or(0) + 1)
}

fn in_folder(folder: &Path, host: &Host) -> Option<PathBuf> {
    let settings = SETTINGS.map(|name| folder.join(name));
    let named = settings.into_iter().find(|file| names_us(file, host));
    named.or_else(|| {
        let loaded = ["plugin", "plugins"].map(|name| folder.join(name));
        let files = loaded.iter().filter_map(|folder| fs::read_dir(folder).ok());
        let mut files = files.flatten().flatten().map(|entry| entry.path());
        files.find(|path| is_ours(path))
    })
}

fn names_us(file: &Path, host: &Host) -> bool {
    let folder = file.parent().unwrap_or(Path::new(""));
    fs::read_to_string(file).is_ok_and(|text| says_us(&text, folder, host))
}

/// Whether settings name the plugin. They may have comments, so their text is searched: for the
/// package, for its folder, or for the path of another folder or file with the plugin.
fn says_us(text: &str, folder: &Path, host: &Host) -> bool {
    let mut paths = paths(text, folder, host);
    text.contains(PACKAGE) || text.contains("plugin/opencode") || paths.any(|path| is_ours(&path))
}

/// The paths in the text of settings.
fn paths<'a>(
    text: &'a str,
    folder: &'a Path,
    host: &'a Host,
) -> impl Iterator<Item = PathBuf> + 'a {
    // Every second part is in quotes.
    let strings = text.split('"').skip(1).step_by(2);
    strings.filter(|it| it.contains('/')).map(move |path| {
        let path = path.strip_prefix("file://").unwrap_or(path);
        if let (Some(rest), Some(home)) = (path.strip_prefix("~/"), &host.home) {
            return home.join(rest);
        }
        let path = Path::new(path);
        folder.join(native(path).as_deref().unwrap_or(path))
    })
}

/// Whether a file, or the package in a folder, is the plugin.
fn is_ours(path: &Path) -> bool {
    let text = fs::read_to_string(path).or_else(|_| fs::read_to_string(path.join("package.json")));
    text.is_ok_and(|text| OURS.iter().any(|words| text.contains(words)))
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn the_plugin_is_found_by_its_name_in_every_setting() {
        let home = tempfile::tempdir().unwrap();
        let mut host = Host::bare(Utc::now);
        host.home = Some(home.path().to_owned());
        let folder = home.path().join(".config/opencode");
        fs::create_dir_all(folder.join("plugin")).unwrap();
        let ours = include_str!("../../plugin/opencode/plugin.js");
        let manifest = include_str!("../../plugin/opencode/package.json");
        for (name, text) in [
            (".config/opencode/mine/plugin.js", ours),
            ("src/llma/package.json", manifest),
            (".config/opencode/plugins/README", ""),
        ] {
            let file = home.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
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
            ("opencode.json", r#"{"plugins":["./mine/plugin.js"]}"#, true),
            ("opencode.json", r#"{"plugins":["~/src/llma"]}"#, true),
            ("opencode.json", r#"{"plugins":["./mine/other.js"]}"#, false),
            ("plugin/ours.js", "// posthog-llma-opencode", true),
            ("plugins/ours.js", "export const PostHogLlma", true),
            ("plugins/other.js", "export const Other", false),
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

    #[test]
    fn the_version_is_that_of_the_package_that_opencode_loads() {
        let home = tempfile::tempdir().unwrap();
        let mut host = Host::bare(Utc::now);
        host.home = Some(home.path().to_owned());
        for (package, version) in [
            ("src/llma", "0.3.0"),
            (
                ".cache/opencode/packages/posthog-llma-opencode@latest/node_modules/\
                 posthog-llma-opencode",
                "0.1.0",
            ),
        ] {
            let package = home.path().join(package);
            fs::create_dir_all(&package).unwrap();
            let manifest = format!(r#"{{"name":"{PACKAGE}","version":"{version}"}}"#);
            fs::write(package.join("package.json"), manifest).unwrap();
        }
        fs::write(home.path().join("src/llma/plugin.js"), OURS[1]).unwrap();
        let settings = home.path().join(".config/opencode/opencode.json");
        fs::create_dir_all(settings.parent().unwrap()).unwrap();
        for (plugin, expected) in [
            ("posthog-llma-opencode", Some("0.1.0")),
            ("~/src/llma", Some("0.3.0")),
            ("~/src/llma/plugin.js", Some("0.3.0")),
            ("another", None),
        ] {
            fs::write(&settings, format!(r#"{{"plugin":["{plugin}"]}}"#)).unwrap();
            assert_eq!(version(&host).as_deref(), expected, "{plugin}");
        }
        // A copy of the file has no version.
        fs::remove_file(&settings).unwrap();
        let copy = settings.with_file_name("plugin").join("ours.js");
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::write(&copy, OURS[0]).unwrap();
        assert_eq!(plugin(&host), Some(copy));
        assert_eq!(version(&host), None);
    }

    #[test]
    fn settings_are_searched_in_the_same_places_as_by_opencode() {
        let home = tempfile::tempdir().unwrap();
        let mut host = Host::bare(Utc::now);
        host.home = Some(home.path().to_owned());
        host.cwd = Some(home.path().join("shop/api"));
        fs::create_dir_all(home.path().join("shop/.git")).unwrap();
        let named = home.path().join("elsewhere/settings.json");
        let folder = home.path().join("folder");
        let content = r#"{"plugin":["posthog-llma-opencode"]}"#;
        let by_content = host.clone().with("OPENCODE_CONFIG_CONTENT", content);
        let variable = PathBuf::from("OPENCODE_CONFIG_CONTENT");
        assert_eq!(plugin(&by_content), Some(variable));
        let host = host
            .with("OPENCODE_CONFIG", named.to_str().unwrap())
            .with("OPENCODE_CONFIG_DIR", folder.to_str().unwrap());
        for (name, is_found) in [
            ("elsewhere/settings.json", true),
            ("folder/opencode.jsonc", true),
            (".opencode/opencode.json", true),
            ("shop/api/opencode.json", true),
            ("shop/.opencode/opencode.json", true),
            ("opencode.json", false),
        ] {
            let file = home.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, r#"{"plugins":["posthog-llma-opencode"]}"#).unwrap();
            assert_eq!(plugin(&host), is_found.then(|| file.clone()), "{name}");
            let without = host.clone().with("OPENCODE_DISABLE_PROJECT_CONFIG", "1");
            let is_found = is_found && !name.starts_with("shop");
            assert_eq!(plugin(&without), is_found.then(|| file.clone()), "{name}");
            fs::remove_file(&file).unwrap();
        }
    }
}
