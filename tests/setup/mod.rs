//! `posthog-llma setup` for a user: its questions, requests, output, and changes to files, and
//! their removal.

mod files;
mod offers;
mod plugin;
#[cfg(target_os = "linux")]
mod terminal;
mod trial;

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::env::{API_KEY, Outcome, TestEnv};
use crate::support::posthog::PostHog;

/// A user who has nothing of this program yet.
struct Newcomer {
    env: TestEnv,
    posthog: PostHog,
}

impl Newcomer {
    fn new() -> Self {
        let env = TestEnv::new();
        let config = env.home().join(".config");
        Self {
            env: env.with("XDG_CONFIG_HOME", config),
            posthog: PostHog::start(),
        }
    }

    /// Records the plugin in the form of `claude plugin install`.
    fn install_plugin(&self) {
        let plugin = json!({ "installPath": "/", "version": env!("CARGO_PKG_VERSION") });
        let list = json!({ "version": 2, "plugins": { "posthog@posthog-llma": [plugin] } });
        let file = self.env.claude().join("plugins/installed_plugins.json");
        self.env.write(file, list.to_string());
    }

    fn settings(&self) -> PathBuf {
        self.env.claude().join("settings.json")
    }

    fn read(&self) -> String {
        fs::read_to_string(self.settings()).expect("the settings are there")
    }

    fn variable(&self, name: &str) -> Value {
        let settings: Value = serde_json::from_str(&self.read()).expect("the settings are JSON");
        settings["env"][name].clone()
    }

    /// Runs setup with an address, and the key on standard input.
    fn set_up(&self, more: &[&str]) -> Outcome {
        let url = self.posthog.url();
        let arguments = ["setup", "--host", &url, "--key", "-"];
        let arguments = arguments.iter().chain(more);
        let outcome = self.env.command(arguments).stdin(format!("{API_KEY}\n"));
        outcome.run().never_mentions(API_KEY)
    }

    /// The copies of the settings.
    fn copies(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.env.claude()).into_iter().flatten();
        let mut copies: Vec<PathBuf> = entries
            .map(|entry| entry.expect("the folder can be read").path())
            .filter(|path| path.to_string_lossy().contains(".backup-"))
            .collect();
        copies.sort();
        copies
    }
}
