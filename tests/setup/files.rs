//! The settings file before and after.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::setup::Newcomer;
use crate::support::env::API_KEY;
use crate::support::session::Session;

/// Settings of Claude Code as users have them.
const SETTINGS: [(&str, &str); 7] = [
    ("no settings", "{}"),
    ("an empty file", ""),
    (
        "other tools",
        "{\n  \"hooks\": {\"Stop\": []},\n  \"env\": {\n    \"OTHER\": \"1\"\n  },\n  \"model\": \"opus\"\n}\n",
    ),
    ("an empty block", "{\n  \"env\": {}\n}\n"),
    (
        "Windows",
        "{\r\n\t\"a\": [1,  2],\r\n\t\"n\": 1.50\r\n}\r\n",
    ),
    ("one line", r#"{"env":{"A":"1"},"b":2}"#),
    ("a byte order mark", "\u{feff}{\n  \"a\": 1\n}\n"),
];

#[test]
fn what_was_there_stays_and_comes_back_to_the_byte() {
    for (name, before) in SETTINGS {
        let user = Newcomer::new();
        user.env.write(user.settings(), before);
        user.set_up(&[]).success().complains("as it was before: ");

        let text = user.read();
        let parse = |text: &str| -> Value {
            let text = text.trim_start_matches('\u{feff}');
            serde_json::from_str(if text.is_empty() { "{}" } else { text }).expect("JSON")
        };
        let mut expected = parse(before);
        expected["env"]["POSTHOG_API_KEY"] = json!(API_KEY);
        expected["env"]["POSTHOG_HOST"] = json!(user.posthog.url());
        expected["env"]["POSTHOG_LLMA_CC_ENABLED"] = json!("true");
        assert_eq!(parse(&text).to_string(), expected.to_string(), "{name}");
        let copies = user.copies();
        assert_eq!(copies.len(), 1, "{name}");
        assert_eq!(
            fs::read_to_string(&copies[0]).expect("a copy"),
            before,
            "{name}"
        );

        let outcome = user.env.run(["setup", "--remove"]).success();
        outcome.complains("POSTHOG_LLMA_CC_ENABLED from ");
        assert_eq!(user.read(), before, "{name}");
    }
}

#[test]
fn what_setup_made_is_gone_after_remove() {
    let user = Newcomer::new();
    user.set_up(&[]).success();
    user.env.run(["setup", "--remove"]).success();
    assert!(!user.settings().exists());
    let again = user.env.run(["setup", "--remove"]).success();
    again.complains("says nothing of posthog-llma");
}

#[test]
fn values_that_the_user_had_before_setup_come_back() {
    let before =
        r#"{"env":{"POSTHOG_HOST":"https://eu.i.posthog.com","POSTHOG_API_KEY":"phc_mine"}}"#;
    for purge in [&["--purge"][..], &[]] {
        let user = Newcomer::new();
        user.env.write(user.settings(), before);
        user.set_up(&[]).success();
        user.set_up(&["--privacy-mode"]).success();
        let remove = ["setup", "--remove"].iter().chain(purge);
        let outcome = user.env.run(remove).success();
        outcome.complains("as before setup in ");
        assert_eq!(user.variable("POSTHOG_API_KEY"), "phc_mine");
        assert_eq!(user.variable("POSTHOG_HOST"), "https://eu.i.posthog.com");
        assert_eq!(user.variable("POSTHOG_LLMA_CC_ENABLED"), Value::Null);
        assert_eq!(user.read() == before, !purge.is_empty(), "privacy stays");
    }
}

#[test]
fn a_file_with_the_key_and_a_switch_that_was_off_come_back_too() {
    for before in [
        r#"{"env":{"POSTHOG_API_KEY_FILE":"/etc/key"}}"#,
        r#"{"env":{"POSTHOG_API_KEY":"phc_mine","POSTHOG_LLMA_CC_ENABLED":"false"},"a":1}"#,
    ] {
        let user = Newcomer::new();
        user.env.write(user.settings(), before);
        user.set_up(&[]).success();
        user.env.run(["setup", "--remove"]).success();
        assert_eq!(user.read(), before);
    }
}

#[test]
fn the_plugin_sends_nothing_with_a_key_of_its_own_after_remove() {
    let user = Newcomer::new();
    user.install_plugin();
    user.set_up(&[]).success();
    let outcome = user.env.run(["setup", "--remove"]).success();
    outcome.complains("setup --remove takes that away too");
    assert_eq!(user.variable("POSTHOG_LLMA_CC_ENABLED"), "false");
    assert_eq!(user.variable("POSTHOG_API_KEY"), Value::Null);
    let list = user.env.claude().join("plugins/installed_plugins.json");
    fs::remove_file(list).expect("it is ours");
    user.env.run(["setup", "--remove"]).success();
    assert!(!user.settings().exists());
    let told = user
        .env
        .command(["setup", "--remove"])
        .env("POSTHOG_LLMA_CC_ENABLED", "true")
        .env("POSTHOG_API_KEY", API_KEY);
    told.run()
        .success()
        .complains("but sessions are still sent");
}

/// A file of more than 512 bytes cannot be written, as on a full disk.
#[cfg(unix)]
#[test]
fn without_room_for_the_settings_nothing_is_asked_or_sent() {
    let user = Newcomer::new();
    user.env.write(user.settings(), "{}");
    let url = user.posthog.url();
    let full = "trap '' XFSZ; ulimit -f 1; exec \"$@\"";
    let setup = ["setup", "--host", &url, "--key", API_KEY];
    let outcome = user.env.through_shell(full, setup).run().code(1);
    outcome.complains("cannot write ");
    assert_eq!(user.posthog.count(), 0);
    assert_eq!(user.read(), "{}");
    assert_eq!(user.copies().len(), 0);
    let left = fs::read_dir(user.env.claude())
        .expect("it is there")
        .count();
    assert_eq!(left, 1);

    // Switching off needs no room where the file goes.
    fs::remove_file(user.settings()).expect("it is ours");
    user.set_up(&[]).success();
    let remove = user.env.through_shell(full, ["setup", "--remove"]);
    remove.run().success();
    assert!(!user.settings().exists());
}

/// The folder of configuration is another one on macOS.
#[cfg(not(target_os = "macos"))]
#[test]
fn purge_leaves_nothing_behind() {
    let user = Newcomer::new();
    user.env.write(user.settings(), "{}");
    user.set_up(&["--privacy-mode"]).success();
    assert_eq!(user.variable("POSTHOG_LLMA_PRIVACY_MODE"), "true");
    let url = user.posthog.url();
    let trust = ["trust", "https://posthog.example.com"];
    user.env.run(trust).success();
    let trusted = user.env.config().join("posthog-llma/trust.json");
    assert!(trusted.exists());
    let session = Session::write(&user.env, 1, 1);
    user.env.run(["pause", &session.id]).success();
    let other = Session::write(&user.env, 2, 1);
    // Refusing the key is no reason to try again at once.
    user.posthog
        .set(crate::support::posthog::Fault::status(401));
    let ingest = user.env.command(["ingest", &other.id]);
    let ingest = ingest.env("POSTHOG_API_KEY", API_KEY);
    ingest.env("POSTHOG_HOST", &url).run().code(1);

    let outcome = user.env.run(["setup", "--remove", "--purge"]).success();
    outcome
        .complains(&format!(
            "{} events were not sent yet and are removed",
            other.events()
        ))
        .complains("removed 1 backup of ")
        .complains("nothing of posthog-llma is left");
    assert_eq!(user.read(), "{}");
    assert_eq!(user.copies().len(), 0);
    assert!(!user.env.state().exists());
    assert!(!trusted.parent().expect("a folder").exists());
    user.env.run(["setup", "--remove", "--purge"]).success();
    user.env.run(["setup", "--purge"]).code(2);
}

#[test]
fn a_file_of_the_user_in_the_state_directory_survives_purge() {
    let user = Newcomer::new();
    let session = Session::write(&user.env, 1, 1);
    user.env.run(["ingest", &session.id, "--dry-run"]).success();
    let notes = user.env.write(user.env.state().join("notes.txt"), "mine");
    user.env
        .run(["setup", "--remove", "--purge"])
        .success()
        .complains("other files in it stay");
    let left = fs::read_dir(user.env.state()).expect("it is there");
    let left: Vec<_> = left.flatten().map(|entry| entry.path()).collect();
    assert_eq!(left, [notes]);
}

#[test]
fn privacy_outlives_remove_since_it_only_keeps_content_back() {
    let user = Newcomer::new();
    user.set_up(&["--privacy-mode"]).success();
    let outcome = user.env.run(["setup", "--remove"]).success();
    outcome.complains("POSTHOG_LLMA_PRIVACY_MODE stays");
    assert_eq!(user.variable("POSTHOG_LLMA_PRIVACY_MODE"), "true");
    user.set_up(&[]).success();
    assert_eq!(user.variable("POSTHOG_LLMA_PRIVACY_MODE"), "true");
}

#[test]
fn what_came_later_survives_remove() {
    let user = Newcomer::new();
    user.env.write(user.settings(), "{}");
    user.set_up(&[]).success();
    let mut settings: Value = serde_json::from_str(&user.read()).expect("JSON");
    settings["model"] = json!("opus");
    settings["env"]["POSTHOG_TAGS"] = json!("team:core");
    user.env.write(user.settings(), settings.to_string());
    user.env.run(["setup", "--remove"]).success();
    let left: Value = serde_json::from_str(&user.read()).expect("JSON");
    assert_eq!(
        left,
        json!({"env": {"POSTHOG_TAGS": "team:core"}, "model": "opus"})
    );
}

#[test]
fn older_copies_are_never_overwritten_and_the_same_answers_write_nothing() {
    let user = Newcomer::new();
    for text in ["{}", "{\"a\":1}", "{\"a\":2}"] {
        user.env.write(user.settings(), text);
        user.set_up(&[]).success();
    }
    let mut kept: Vec<_> = user
        .copies()
        .into_iter()
        .map(|copy| fs::read(copy).unwrap())
        .collect();
    kept.sort();
    assert_eq!(kept, [&b"{\"a\":1}"[..], b"{\"a\":2}", b"{}"]);
    user.set_up(&[]).success().complains("said so already");
    assert_eq!(user.copies().len(), 3);
}

#[test]
fn what_is_no_settings_file_is_refused_before_anything_is_sent() {
    for (text, said) in [
        ("{\n  // my settings\n  \"model\": \"opus\"\n}", "comments"),
        ("{\"a\": 1,}", "cannot be read as JSON"),
        ("[]", "all of it is not a JSON object"),
        ("{\"env\": []}", "env is not a JSON object"),
    ] {
        let user = Newcomer::new();
        user.env.write(user.settings(), text);
        user.set_up(&[])
            .code(1)
            .complains(said)
            .complains("settings.json");
        user.env.run(["setup", "--remove"]).code(1).complains(said);
        assert_eq!((user.posthog.count(), user.read().as_str()), (0, text));
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn permissions_stay_and_a_new_file_is_the_users_alone() {
        let user = Newcomer::new();
        user.set_up(&[]).success();
        assert_eq!(mode(&user.settings()), 0o600);

        let user = Newcomer::new();
        user.env.write(user.settings(), "{}");
        fs::set_permissions(user.settings(), fs::Permissions::from_mode(0o640)).unwrap();
        user.set_up(&[]).success();
        assert_eq!(mode(&user.settings()), 0o640);
        assert_eq!(mode(&user.copies()[0]), 0o640);
    }

    #[test]
    fn a_link_stays_a_link() {
        let user = Newcomer::new();
        let real = user.env.write("dotfiles/claude.json", "{\"a\": 1}");
        fs::create_dir_all(user.env.claude()).unwrap();
        symlink(&real, user.settings()).unwrap();
        user.set_up(&[]).success();
        assert!(user.settings().is_symlink());
        assert!(fs::read_to_string(&real).unwrap().contains(API_KEY));
        assert_eq!(user.copies().len(), 1);
        user.env.run(["setup", "--remove"]).success();
        assert_eq!(fs::read_to_string(&real).unwrap(), "{\"a\": 1}");

        fs::remove_file(&real).unwrap();
        user.set_up(&[]).code(1).complains("cannot read");
    }

    #[test]
    fn a_file_that_is_meant_to_stay_is_left_alone() {
        let user = Newcomer::new();
        user.env.write(user.settings(), "{}");
        fs::set_permissions(user.settings(), fs::Permissions::from_mode(0o444)).unwrap();
        user.set_up(&[]).code(1).complains("is read-only");
        assert_eq!((user.posthog.count(), user.read().as_str()), (0, "{}"));
    }
}

#[test]
fn a_project_has_settings_of_its_own() {
    let user = Newcomer::new();
    let project = user.env.project();
    let local = project.join(".claude/settings.local.json");
    user.install_plugin();
    let url = user.posthog.url();
    let set_up = ["setup", "--project", "--host", &url, "--key", API_KEY];
    let outcome = user.env.run(set_up).code(2);
    outcome.complains("git does not say that it is yours");
    assert_eq!((user.posthog.count(), local.exists()), (0, false));
    git2::Repository::init(&project).unwrap();
    user.set_up(&["--project"])
        .success()
        .complains("sessions that you start in this project from now on are sent")
        .complains("POSTHOG_LLMA_CC_ENABLED to ")
        .complains(&local.display().to_string());
    assert!(!user.settings().exists());
    assert!(fs::read_to_string(&local).unwrap().contains(API_KEY));

    user.env.run(["setup", "--remove", "--project"]).success();
    assert!(!local.exists());
}

#[test]
fn a_key_in_a_repository_is_warned_of() {
    let user = Newcomer::new();
    let repository = git2::Repository::init(user.env.project()).unwrap();
    let inside = user.env.project().join("src");
    fs::create_dir(&inside).unwrap();
    let url = user.posthog.url();
    let set_up = || {
        let arguments = ["setup", "--project", "--host", &url, "--key", API_KEY];
        user.env.command(arguments).directory(&inside).run()
    };
    let local = Path::new(".claude/settings.local.json");
    set_up().success().complains("git does not ignore");
    assert!(
        user.env.project().join(local).exists(),
        "at the top of the repository"
    );

    user.env
        .write("project/.gitignore", "settings.local.json\n");
    set_up().success().never_mentions("git");

    let mut index = repository.index().unwrap();
    index.add_path(local).unwrap();
    index.write().unwrap();
    let before = user.posthog.count();
    set_up()
        .code(2)
        .complains("git tracks")
        .complains("git rm --cached");
    assert_eq!(user.posthog.count(), before, "nothing was tried");
}

#[test]
fn settings_that_win_are_told() {
    let user = Newcomer::new();
    let other = r#"{"env":{"POSTHOG_HOST":"https://eu.i.posthog.com"}}"#;
    user.env.write("project/.claude/settings.local.json", other);
    user.set_up(&[])
        .success()
        .complains("settings.local.json sets POSTHOG_HOST to something else, and wins");
    user.env.write("project/.posthog-llma-ignore", "");
    user.set_up(&[])
        .success()
        .complains("but not those of this folder");
}
