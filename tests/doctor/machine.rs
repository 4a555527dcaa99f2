//! A machine with Claude Code, the plugin and a PostHog.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::env::{API_KEY, Outcome, TestEnv};
use crate::support::scene::Scene;
use crate::support::session::Session;

pub(crate) const PLUGIN: &str = "posthog@posthog-llma";
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// A machine on which Claude Code's settings switch everything on and one session has ended.
pub(crate) struct Machine {
    pub(crate) scene: Scene,
    pub(crate) session: Session,
}

impl Machine {
    pub(crate) fn healthy() -> Self {
        let machine = Self::before_any_session();
        machine.end(&machine.session);
        machine
    }

    pub(crate) fn before_any_session() -> Self {
        let names = ["POSTHOG_API_KEY", "POSTHOG_LLMA_CC_ENABLED", "POSTHOG_HOST"];
        let scene = Scene::on(|env| names.into_iter().fold(env, TestEnv::without));
        let session = Session::write(&scene.env, 1, 1);
        let machine = Self { scene, session };
        machine.settings(&json!({}));
        machine.install(env!("CARGO_PKG_VERSION"));
        machine
    }

    /// Writes the user's settings: a healthy configuration, changed by `special`.
    pub(crate) fn settings(&self, special: &Value) {
        let mut settings = json!({
            "enabledPlugins": { PLUGIN: true },
            "env": {
                "POSTHOG_API_KEY": API_KEY,
                "POSTHOG_LLMA_CC_ENABLED": "true",
                "POSTHOG_HOST": self.scene.posthog.url(),
            },
        });
        merge(&mut settings, special);
        let file = self.scene.env.claude().join("settings.json");
        self.scene.env.write(file, settings.to_string());
    }

    pub(crate) fn variable(&self, name: &str, value: &str) {
        self.settings(&json!({ "env": { name: value } }));
    }

    pub(crate) fn install(&self, version: &str) {
        let list = json!({ "version": 2, "plugins": { PLUGIN: [{
            "scope": "user",
            "installPath": self.plugins().join(version),
            "version": version,
            "installedAt": "2026-01-01T10:00:00.000Z",
        }] } });
        let file = self.plugins().join("installed_plugins.json");
        self.scene.env.write(file, list.to_string());
    }

    /// Adds the plugin's marketplace as a folder, in the form of Claude Code 2.1.332. Returns the
    /// folder.
    pub(crate) fn add_marketplace(&self) -> PathBuf {
        let folder = self.scene.env.root().join("checkout");
        let plugin = json!({ "name": "posthog", "source": "./plugin" });
        let list = json!({ "name": "posthog-llma", "plugins": [plugin] });
        let file = folder.join(".claude-plugin/marketplace.json");
        self.scene.env.write(file, list.to_string());
        fs::create_dir(folder.join("plugin")).expect("it is ours");
        let known = json!({ "posthog-llma": {
            "source": { "source": "directory", "path": folder },
            "installLocation": folder,
            "lastUpdated": "2026-01-01T10:00:00.000Z",
        } });
        let file = self.plugins().join("known_marketplaces.json");
        self.scene.env.write(file, known.to_string());
        folder
    }

    pub(crate) fn plugins(&self) -> PathBuf {
        self.scene.env.claude().join("plugins")
    }

    /// Ends a session, with the settings in the environment of the hook.
    pub(crate) fn end(&self, session: &Session) {
        let hook = self.scene.hook(session);
        let hook = hook
            .env("POSTHOG_API_KEY", API_KEY)
            .env("POSTHOG_LLMA_CC_ENABLED", "true")
            .env("POSTHOG_HOST", self.scene.posthog.url());
        hook.run().success().silent();
        self.scene.settle();
    }

    pub(crate) fn change_outbox(&self, change: &str) {
        let database = Connection::open(self.scene.env.state().join("outbox.db"));
        let changed = database.and_then(|database| database.execute_batch(change));
        changed.expect("the outbox is ours");
    }

    pub(crate) fn doctor(&self) -> Outcome {
        self.scene.env.run(["doctor"])
    }

    /// The JSON of every check.
    pub(crate) fn checks(&self) -> Vec<Value> {
        let outcome = self.scene.env.run(["doctor", "--json"]);
        let report: Value = serde_json::from_str(&outcome.stdout).expect("it is JSON");
        let checks = report["checks"].as_array().expect("a list").clone();
        let problems = checks
            .iter()
            .filter(|it| it["verdict"] == "problem")
            .count();
        assert_eq!(report["problems"], problems, "{report:#}");
        outcome.code(i32::from(problems > 0));
        checks
    }

    /// The check of this name; panics when there is not exactly one.
    #[track_caller]
    pub(crate) fn check(&self, name: &str) -> Value {
        let mut checks = self.checks();
        checks.retain(|it| it["check"] == name);
        assert_eq!(checks.len(), 1, "{name}: {checks:#?}");
        checks.remove(0)
    }
}

pub(crate) fn merge(into: &mut Value, special: &Value) {
    match (into.as_object_mut(), special.as_object()) {
        (Some(fields), Some(special)) => {
            for (name, value) in special {
                merge(fields.entry(name).or_insert(Value::Null), value);
            }
        }
        _ => *into = special.clone(),
    }
}

/// Asserts that no line is wider than a terminal, except for words that cannot be broken.
#[track_caller]
pub(crate) fn fits(text: &str) {
    for line in text.lines() {
        let is_one_word = line.split_whitespace().count() == 1;
        assert!(line.chars().count() <= 80 || is_one_word, "{line}");
    }
}
