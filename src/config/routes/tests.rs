use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt as _;

use chrono::Utc;
use tempfile::TempDir;

use super::*;
use crate::consent::{Caller, Environment};

const TOKEN: &str = "a-token-of-the-shop-team";
const KEY: &str = "phc_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
const OTHER_KEY: &str = "phc_GFEDCBAzyxwvutsrqponmlkjihgfedcba9876543210";

/// A configuration folder with this file, and the settings.
fn read_with(
    text: &str,
    mode: u32,
    variables: &[(&str, &str)],
) -> (TempDir, Result<Routes, RoutesError>) {
    let folder = tempfile::tempdir().unwrap();
    let mut host = variables
        .iter()
        .fold(Host::bare(Utc::now), |host, (name, value)| {
            host.with(name, value)
        });
    host.config = Some(folder.path().to_owned());
    let file = Routes::path(&host).unwrap();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, text).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    #[cfg(not(unix))]
    let _ = mode;
    let (config, _) = Config::read(&Environment::of(&host, Caller::OtherAgent));
    (folder, Routes::read(&host, &config))
}

fn read(text: &str) -> Result<Routes, RoutesError> {
    read_with(text, 0o600, &[("POSTHOG_API_KEY", KEY)]).1
}

fn config_of<'a>(routes: &'a Routes, name: &str) -> &'a Config {
    routes.config_of(&Route::new(name)).unwrap()
}

#[test]
fn a_route_has_its_own_project_and_otherwise_the_settings() {
    let text = format!(
        "token_header = \"X-Team\"\n[routes.shop]\ntoken = \"{TOKEN}\"\napi_key = \"{OTHER_KEY}\"\n\
         host = \"https://eu.i.posthog.com\"\nopenrouter_keys = [\"production\"]\n\
         [routes.same]\ntoken = \"{TOKEN}-2\"\nopenrouter_tests = true\n"
    );
    let routes = read(&text).unwrap();
    assert_eq!(routes.token_header.as_deref(), Some("X-Team"));
    let shop = config_of(&routes, "shop");
    let destination = shop.destination.complete().unwrap();
    assert_eq!(
        (destination.host.as_str(), destination.api_key.as_str()),
        ("https://eu.i.posthog.com", OTHER_KEY)
    );
    assert!(!shop.namespace.is_of_settings());
    let same = config_of(&routes, "same");
    assert_eq!(same.destination.complete().unwrap().api_key, KEY);
    assert!(same.namespace.is_of_settings(), "it is the same project");
    let entries: Vec<&Entry> = routes.iter().map(|it| &it.entry).collect();
    assert_eq!(
        entries[1].openrouter.keys.as_deref(),
        Some(&["production".to_owned()][..])
    );
    assert!(entries[0].openrouter.test_requests);
    assert!(routes.config_of(&Route::new("other")).is_none());
}

#[test]
fn a_route_can_ask_for_more_privacy_and_not_for_less() {
    let route = |line: &str| format!("[routes.shop]\ntoken = \"{TOKEN}\"\n{line}\n");
    for (private, line, expected) in [
        (false, "", Recording::Full),
        (false, "privacy_mode = true", Recording::Nothing),
        (false, "record_inputs = false", Recording::OutputsOnly),
        (false, "record_outputs = false", Recording::InputsOnly),
        (true, "", Recording::Nothing),
        (
            true,
            "privacy_mode = false\nrecord_inputs = true",
            Recording::Nothing,
        ),
    ] {
        let private = if private { "true" } else { "false" };
        let settings = [("POSTHOG_LLMA_PRIVACY_MODE", private)];
        let (_folder, routes) = read_with(&route(line), 0o600, &settings);
        let routes = routes.unwrap();
        let recording = config_of(&routes, "shop").events.recording;
        assert_eq!(recording, expected, "{private} {line}");
    }
}

#[test]
fn what_cannot_be_used_is_said_with_the_next_step_and_without_the_token() {
    let route = |line: &str| format!("[routes.shop]\ntoken = \"{TOKEN}\"\n{line}\n");
    for (text, part) in [
        (route("privacy = true"), "unknown field"),
        (route("privacy_mode = \"yes\""), "line 3: invalid type"),
        (route(&format!("oops {TOKEN}")), "line 3"),
        (route("token_file = \"token\""), "keep one"),
        (route("openrouter_keys = []"), "nothing would be taken"),
        (route("api_key = \"phx_personal\""), "is a personal API key"),
        (
            route("host = \"https://eu.i.posthog.com\""),
            "set the key of its project",
        ),
        (
            route(&format!(
                "api_key = \"{KEY}\"\nhost = \"http://example.com\""
            )),
            "host cannot be used",
        ),
        ("[routes.shop]\n".to_owned(), "set token or token_file"),
        (
            "[routes.shop]\ntoken_file = \"missing\"\n".to_owned(),
            "missing is missing",
        ),
        (
            "[routes.shop]\ntoken = \"short\"\n".to_owned(),
            "at least 16 characters",
        ),
        (
            route("").replace("routes.shop", "routes.main"),
            "choose another name",
        ),
        (
            route("").replace("routes.shop", "routes.\"../shop\""),
            "small letters, digits and hyphens",
        ),
        (
            route("").replace("routes.shop", "routes.Shop"),
            "small letters, digits and hyphens",
        ),
        ("[rules]\n".to_owned(), "unknown field"),
    ] {
        let error = read(&text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
        assert!(error.contains("serve.toml"), "{error}");
        assert!(!error.contains(TOKEN), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused() {
    for mode in [0o644, 0o640, 0o604, 0o660] {
        let (_folder, routes) = read_with("", mode, &[]);
        let error = routes.unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }
}

#[test]
fn a_file_that_is_in_a_repository_is_refused() {
    let (folder, routes) = read_with("", 0o600, &[]);
    assert_eq!(routes.unwrap().iter().count(), 0);
    fs::create_dir(folder.path().join(".git")).unwrap();
    let mut host = Host::bare(Utc::now);
    host.config = Some(folder.path().to_owned());
    let (config, _) = Config::read(&Environment::of(&host, Caller::OtherAgent));
    let error = Routes::read(&host, &config).unwrap_err().to_string();
    assert!(error.contains("is in a git repository"), "{error}");
    assert!(openrouter_token(&host).is_err());
}

#[test]
fn a_token_is_made_once_and_only_its_owner_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::bare(Utc::now);
    host.config = Some(folder.path().to_owned());
    let (path, token) = openrouter_token(&host).unwrap();
    assert_eq!(token.len(), 64);
    assert_eq!(openrouter_token(&host).unwrap(), (path.clone(), token));
    #[cfg(unix)]
    {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(openrouter_token(&host).is_err());
    }
}

#[test]
fn routes_that_the_receiver_could_not_tell_apart_are_refused_when_they_are_read() {
    let same = format!("[routes.a]\ntoken = \"{TOKEN}\"\n[routes.b]\ntoken = \"{TOKEN}\"\n");
    let header = format!("token_header = \"a b\"\n[routes.a]\ntoken = \"{TOKEN}\"\n");
    for (text, why) in [(same, "have the same token"), (header, "a b")] {
        let error = read(&text).unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains(TOKEN), "{error}");
    }
}
