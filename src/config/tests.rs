use chrono::Utc;

use super::*;
use crate::consent::Caller;

fn read(variables: &[(&str, &str)]) -> (Config, Vec<Problem>) {
    let host = variables
        .iter()
        .fold(Host::bare(Utc::now), |host, (name, value)| {
            host.with(name, value)
        });
    Config::read(&Environment::of(&host, Caller::OtherAgent))
}

#[test]
fn without_settings_everything_is_off() {
    let (config, problems) = read(&[]);
    assert_eq!(problems, []);
    assert_eq!(config.of(Agent::ClaudeCode).hooks, Hooks::Off);
    assert_eq!(config.destination.api_key, None);
    let endpoint = config.destination.endpoint.as_ref().map(Endpoint::base);
    assert_eq!(endpoint, Some("https://us.i.posthog.com"));
}

#[test]
fn booleans_are_read_in_any_case() {
    for (text, expected) in [
        ("true", true),
        ("1", true),
        ("YES", true),
        ("False", false),
        ("0", false),
        ("no", false),
    ] {
        let (config, problems) = read(&[("POSTHOG_LLMA_CC_ENABLED", text)]);
        assert_eq!(
            (
                config.of(Agent::ClaudeCode).hooks == Hooks::On,
                problems.len()
            ),
            (expected, 0),
            "{text}"
        );
    }
}

#[test]
fn a_value_that_cannot_be_read_is_named() {
    for (variable, value) in [
        ("POSTHOG_LLMA_CC_ENABLED", "maybe"),
        ("POSTHOG_LLMA_TRACE_GROUPING", "hourly"),
        ("POSTHOG_LLMA_INPUT", "all"),
        ("POSTHOG_LLMA_MAX_ATTRIBUTE_LENGTH", "12k"),
        ("POSTHOG_LLMA_MAX_ATTRIBUTE_LENGTH", "5"),
        ("POSTHOG_LLMA_MAX_OUTBOX_BYTES", "1k"),
        ("POSTHOG_LLMA_DISTINCT_ID", "anonymous"),
        ("POSTHOG_TAGS", "team"),
        ("POSTHOG_TAGS", "$ai_model:x"),
        ("POSTHOG_LLMA_CUSTOM_PROPERTIES", "[1]"),
        ("POSTHOG_LLMA_CUSTOM_PROPERTIES", "{\"$lib\":1}"),
        ("POSTHOG_API_KEY", "phx_personal"),
        ("POSTHOG_API_KEY", "phc_ab cd"),
    ] {
        let (_, problems) = read(&[(variable, value)]);
        let named: Vec<_> = problems.iter().map(|it| it.variable.described()).collect();
        assert_eq!(named, [variable], "{value}");
    }
}

#[test]
fn a_host_with_a_typing_error_sends_nowhere() {
    let (config, problems) = read(&[("POSTHOG_HOST", "http://posthog.example.com")]);
    assert_eq!((config.destination.endpoint, problems.len()), (None, 1));
}

#[test]
fn a_privacy_setting_with_a_typing_error_keeps_content_private() {
    let (config, problems) = read(&[
        ("POSTHOG_LLMA_PRIVACY_MODE", "ture"),
        ("POSTHOG_LLMA_RECORD_INPUTS", "flase"),
        ("POSTHOG_LLMA_RECORD_OUTPUTS", "off"),
    ]);
    assert_eq!(
        (config.events.recording, problems.len()),
        (Recording::Nothing, 3)
    );
}

#[test]
fn the_environment_wins_over_the_plugin_and_the_plugin_over_the_default() {
    let option = [
        ("CLAUDE_PLUGIN_OPTION_API_KEY", "phc_of_the_plugin"),
        ("CLAUDE_PLUGIN_OPTION_HOST", "https://eu.i.posthog.com"),
        ("CLAUDE_PLUGIN_OPTION_PRIVACY_MODE", "true"),
        ("CLAUDE_PLUGIN_OPTION_TRACE_GROUPING", "message"),
    ];
    let (config, problems) = read(&option);
    assert_eq!(problems, []);
    assert!(
        config.of(Agent::ClaudeCode).hooks == Hooks::On,
        "a key for the plugin switches it on"
    );
    let seen = |config: &Config| {
        (
            config
                .destination
                .api_key
                .as_ref()
                .map(|key| key.secret().to_owned()),
            config
                .destination
                .endpoint
                .as_ref()
                .map(|to| to.base().to_owned()),
            config.events.recording,
            config.of(Agent::ClaudeCode).grouping,
        )
    };
    let (key, eu) = (
        "phc_of_the_plugin".into(),
        "https://eu.i.posthog.com".into(),
    );
    assert_eq!(
        seen(&config),
        (Some(key), Some(eu), Recording::Nothing, Grouping::Message)
    );

    let variables = [
        ("POSTHOG_API_KEY", "phc_of_the_environment"),
        ("POSTHOG_HOST", "https://us.i.posthog.com"),
        ("POSTHOG_LLMA_PRIVACY_MODE", "false"),
        ("POSTHOG_LLMA_TRACE_GROUPING", "session"),
        ("POSTHOG_LLMA_CC_ENABLED", "false"),
    ];
    let (config, _) = read(&[option.as_slice(), &variables].concat());
    assert_eq!(config.of(Agent::ClaudeCode).hooks, Hooks::Off);
    let (key, us) = (
        "phc_of_the_environment".into(),
        "https://us.i.posthog.com".into(),
    );
    assert_eq!(
        seen(&config),
        (Some(key), Some(us), Recording::Nothing, Grouping::Session),
        "of privacy the stricter holds"
    );
}

#[test]
fn a_variable_that_cannot_be_read_is_no_reason_to_ask_the_plugin() {
    let (config, problems) = read(&[
        ("POSTHOG_HOST", "http://posthog.example.com"),
        ("CLAUDE_PLUGIN_OPTION_HOST", "https://eu.i.posthog.com"),
        ("CLAUDE_PLUGIN_OPTION_PRIVACY_MODE", "ture"),
    ]);
    assert_eq!(
        (config.destination.endpoint, config.events.recording),
        (None, Recording::Nothing)
    );
    let named: Vec<_> = problems.iter().map(|it| it.variable.described()).collect();
    assert_eq!(named, ["POSTHOG_HOST", "the plugin's option privacy_mode"]);
}

#[test]
fn tags_and_properties_are_joined() {
    let (config, problems) = read(&[
        ("POSTHOG_TAGS", "team:core, url:http://x , env:dev"),
        ("POSTHOG_LLMA_CUSTOM_PROPERTIES", r#"{"env":"prod","n":1}"#),
    ]);
    assert_eq!(problems, []);
    let expected = r#"{"team":"core","url":"http://x","env":"prod","n":1}"#;
    assert_eq!(Value::Object(config.events.custom).to_string(), expected);
}

#[test]
fn a_key_is_never_shown_whole() {
    let (config, _) = read(&[("POSTHOG_API_KEY", "phc_0123456789abcdefghijklmnop")]);
    let shown = format!("{config:?}");
    assert!(shown.contains("phc_…mnop"), "{shown}");
    assert!(!shown.contains("0123456789"), "{shown}");
}

#[test]
fn each_agent_has_its_own_settings_beside_those_that_all_share() {
    let (config, problems) = read(&[
        ("POSTHOG_API_KEY", "phc_of_the_environment"),
        ("POSTHOG_ENABLED", "false"),
        ("POSTHOG_LLMA_CC_ENABLED", "true"),
        ("POSTHOG_DISTINCT_ID", "ada"),
        ("POSTHOG_SESSION_WINDOW_MINUTES", "5"),
        ("POSTHOG_MAX_ATTRIBUTE_LENGTH", "200"),
        ("POSTHOG_LLMA_TRACE_GROUPING", "session"),
    ]);
    assert_eq!(problems, []);
    let ada = Attribution::Named(DistinctId::parse("ada").unwrap());
    for (agent, is_on, attribution, window, length) in [
        (
            Agent::ClaudeCode,
            true,
            &Attribution::GitEmail,
            None,
            12_000,
        ),
        (Agent::Pi, false, &ada, Some(5), 200),
        (Agent::OpenCode, false, &ada, Some(5), 200),
    ] {
        let settings = config.of(agent);
        assert_eq!(config.is_on(agent), is_on, "{agent:?}");
        assert_eq!(&settings.attribution, attribution, "{agent:?}");
        assert_eq!(settings.session_window, window, "{agent:?}");
        assert_eq!(settings.max_attribute_bytes, length, "{agent:?}");
        assert_eq!(settings.grouping, Grouping::Session, "{agent:?}");
    }
}

#[test]
fn a_value_that_several_agents_read_is_one_problem() {
    let (_, problems) = read(&[("POSTHOG_LLMA_MAX_ATTRIBUTE_LENGTH", "12k")]);
    assert_eq!(problems.len(), 1);
}
