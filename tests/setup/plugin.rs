//! The options of the plugin, as Claude Code hands them to its hooks.

use std::time::Duration;

use crate::setup::Newcomer;
use crate::support::env::API_KEY;
use crate::support::session::Session;

const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_key_among_the_plugins_options_is_enough() {
    let user = Newcomer::new();
    let session = Session::write(&user.env, 1, 1);
    let hook = user
        .env
        .command(["hook"])
        .env("CLAUDE_PLUGIN_OPTION_API_KEY", API_KEY)
        .env("CLAUDE_PLUGIN_OPTION_HOST", user.posthog.url())
        .env("CLAUDE_PLUGIN_OPTION_PRIVACY_MODE", "true");
    let outcome = hook.stdin(session.hook_input("SessionEnd")).run();
    outcome.success().silent();
    user.posthog
        .wait_until(SOON, |events| events.len() as u64 == session.events());
    for event in user.posthog.named("$ai_generation") {
        assert!(event["properties"]["$ai_output_choices"].is_null());
    }
}

#[test]
fn privacy_that_the_plugin_was_asked_for_holds_in_a_terminal_too() {
    let user = Newcomer::new();
    let options = r#"{"posthog@posthog-llma":{"options":{"privacy_mode":true}}}"#;
    let settings = format!(r#"{{"pluginConfigs":{options}}}"#);
    user.env.write(user.settings(), settings);
    let session = Session::write(&user.env, 1, 1);
    let path = session.path.display().to_string();
    let ingest = user.env.command(["ingest", &path]);
    let ingest = ingest.env("POSTHOG_API_KEY", API_KEY);
    ingest
        .env("POSTHOG_HOST", user.posthog.url())
        .run()
        .success();
    for event in user.posthog.named("$ai_generation") {
        assert!(event["properties"]["$ai_output_choices"].is_null());
    }
    assert_eq!(user.posthog.events().len() as u64, session.events());
}

#[test]
fn a_project_cannot_pretend_to_be_the_plugin() {
    let user = Newcomer::new();
    let url = user.posthog.url();
    let options = [
        ("CLAUDE_PLUGIN_OPTION_API_KEY", "phc_of_somebody_else"),
        ("CLAUDE_PLUGIN_OPTION_HOST", &url),
    ];
    let [key, host] = options.map(|(name, value)| format!("\"{name}\":\"{value}\""));
    let settings = format!("{{\"env\":{{{key},{host}}}}}");
    user.env.write("project/.claude/settings.json", settings);
    let session = Session::write(&user.env, 1, 1);
    let path = session.path.display().to_string();
    let ingest = user.env.command(["ingest", &path]);
    let ingest = options
        .iter()
        .fold(ingest, |run, (name, value)| run.env(name, value));
    ingest
        .run()
        .success()
        .complains("there is no POSTHOG_API_KEY");
    assert_eq!(user.posthog.count(), 0);
}
