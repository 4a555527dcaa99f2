//! A machine on which a real agent runs, with doubles of the model's provider and of PostHog.

use std::fs;

use serde_json::Value;

use super::anthropic::{Anthropic, SECRET};
use super::env::{API_KEY, PROGRAM, TestEnv};
use super::posthog::{PostHog, Tokens};
use super::process::{Process, wait_for};
use super::scene::SOON;

/// The machine. `without` is the model whose calls the agent does not record.
pub(crate) struct Lab {
    pub(crate) env: TestEnv,
    pub(crate) api: Anthropic,
    pub(crate) posthog: PostHog,
    without: Option<&'static str>,
}

impl Lab {
    pub(crate) fn new(without: Option<&'static str>) -> Self {
        let (api, posthog) = (Anthropic::start(), PostHog::start());
        let env = TestEnv::new()
            .with("POSTHOG_API_KEY", API_KEY)
            .with("POSTHOG_HOST", posthog.url())
            .with("POSTHOG_TAGS", "team:shelves");
        env.write("project/hello.txt", "hello");
        Self {
            env,
            api,
            posthog,
            without,
        }
    }

    /// Copies the program to where cargo would have put it.
    pub(crate) fn install_program(&self) {
        let bin = self.env.home().join(".cargo/bin");
        fs::create_dir_all(&bin).expect("the home is ours");
        std::os::unix::fs::symlink(PROGRAM, bin.join("posthog-llma")).expect("the home is ours");
    }

    /// Waits until no process works in the background.
    pub(crate) fn settle(&self) {
        wait_for("nothing runs in the background", SOON, || {
            Process::none(&self.env.state()).then_some(())
        });
    }

    pub(crate) fn calls(&self) -> Vec<Value> {
        assert_eq!(self.posthog.duplicates(), Vec::<String>::new());
        self.posthog.named("$ai_generation")
    }

    pub(crate) fn tools(&self) -> Vec<Value> {
        self.posthog.named("$ai_span")
    }

    /// Checks that the sent usage is that of the models.
    #[track_caller]
    pub(crate) fn balanced(&self) {
        let mut used = Tokens::default();
        let answered = self.api.answered().into_iter();
        for answered in answered.filter(|it| self.without != Some(it.model.as_str())) {
            used += answered.tokens;
        }
        assert_eq!(self.posthog.tokens(), used);
    }

    /// Checks that the four tools of a prompt were sent, one of them as failed, and without the
    /// secret in another's output.
    #[track_caller]
    pub(crate) fn sent_tools_without_secret(&self) {
        let tools = self.tools();
        let errors = tools
            .iter()
            .filter(|it| it["properties"]["$ai_is_error"] == true);
        assert_eq!((tools.len(), errors.count()), (4, 1));
        let all = serde_json::to_string(&self.posthog.events()).expect("events are JSON");
        assert!(!all.contains(SECRET), "a secret left the machine");
    }
}
