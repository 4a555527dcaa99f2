//! The source of the key, which several variables name, and values that were taken back.

use super::*;

#[test]
fn the_strongest_file_that_names_a_source_of_the_key_decides() {
    use Variable::{ApiKey, ApiKeyCommand, ApiKeyFile};
    let managed = format!("system/{MANAGED}/managed-settings.json");
    for (stronger, weaker) in [
        ((&*managed, ApiKeyFile), (USERS, ApiKey)),
        ((&*managed, ApiKeyCommand), (USERS, ApiKeyFile)),
        ((&*managed, ApiKeyFile), (COMMITTED, ApiKey)),
        ((LOCAL, ApiKeyFile), (USERS, ApiKey)),
        ((USERS, ApiKeyFile), ("", ApiKey)),
        ((USERS, ApiKeyFile), (COMMITTED, ApiKeyCommand)),
    ] {
        let sandbox = Sandbox::new();
        let mut host = sandbox.host();
        for (file, variable) in [weaker, stronger] {
            host = host.with(variable.name(), file);
            // Without a file, the value is one of the shell.
            if !file.is_empty() {
                sandbox.set(file, variable, &json!(file));
            }
        }
        for caller in [Caller::ClaudeCode, Caller::Shell, Caller::Onlooker] {
            let judged = Environment::of(&host, caller);
            let said = format!("{stronger:?} {weaker:?} {caller:?}");
            assert_eq!(judged.variable(stronger.1), Ok(Some(stronger.0)), "{said}");
            assert!(!matches!(judged.variable(weaker.1), Ok(Some(_))), "{said}");
            assert_eq!(judged.chosen_by, None, "{said}");
        }
    }
    // A project may choose another key than the user's settings do, and has to be confirmed.
    let sandbox = Sandbox::new();
    sandbox.set(USERS, ApiKeyFile, &json!("/key"));
    sandbox.set(COMMITTED, ApiKey, &json!("phc_theirs"));
    let host = sandbox.host().with("POSTHOG_API_KEY", "phc_theirs");
    let judged = Environment::of(&host, Caller::ClaudeCode);
    assert_eq!(judged.chosen_by, Some(sandbox.project()));
    assert_eq!(judged.variable(ApiKeyFile), Ok(None));
}

#[test]
fn what_the_user_s_settings_do_not_set_any_more_was_taken_back() {
    for variable in [Variable::CcEnabled, Variable::ApiKey, Variable::ApiKeyFile] {
        let sandbox = Sandbox::new();
        sandbox.set(USERS, variable, &json!("true"));
        let host = process(&sandbox).with(variable.name(), "true");
        let _ = Environment::of_hook(&host, Moment::Begins);
        assert!(counts(&host, Moment::GoesOn, variable), "{variable}");
        sandbox.remove(USERS);
        assert!(!counts(&host, Moment::GoesOn, variable), "{variable}");
    }
    // A source of the key that was named meanwhile is used.
    let sandbox = Sandbox::new();
    sandbox.set(USERS, Variable::ApiKey, &json!("phc_old"));
    let host = process(&sandbox).with("POSTHOG_API_KEY", "phc_old");
    let _ = Environment::of_hook(&host, Moment::Begins);
    sandbox.set(USERS, Variable::ApiKeyFile, &json!("/key"));
    let judged = Environment::of_hook(&host, Moment::GoesOn);
    assert_eq!(judged.variable(Variable::ApiKeyFile), Ok(Some("/key")));
    assert_eq!(judged.variable(Variable::ApiKey), Ok(None));
}

#[test]
fn what_was_set_meanwhile_holds_unless_it_switches_on() {
    for (variable, value, holds) in [
        (Variable::CcEnabled, "false", true),
        (Variable::CcEnabled, "true", false),
        (Variable::PosthogHost, "https://eu.i.posthog.com", true),
        (Variable::DistinctId, "ada", true),
        (Variable::HttpsProxy, "http://proxy", false),
    ] {
        let sandbox = Sandbox::new();
        let host = process(&sandbox);
        let _ = Environment::of_hook(&host, Moment::Begins);
        sandbox.set(USERS, variable, &json!(value));
        let judged = Environment::of_hook(&host, Moment::GoesOn);
        let expected = holds.then_some(value);
        assert_eq!(judged.variable(variable), Ok(expected), "{variable}");
    }
}

#[test]
fn an_empty_value_that_is_committed_takes_the_place_of_no_key() {
    for own in [
        Variable::ApiKey,
        Variable::ApiKeyFile,
        Variable::ApiKeyCommand,
    ] {
        let sandbox = Sandbox::new();
        sandbox.set(USERS, own, &json!("own"));
        sandbox.set(COMMITTED, Variable::ApiKey, &json!(" "));
        let host = sandbox.host().with(own.name(), "own");
        let host = host.with("POSTHOG_API_KEY", " ");
        let judged = Environment::of(&host, Caller::ClaudeCode);
        assert_eq!(judged.variable(own), Ok(Some("own")), "{own}");
        assert_eq!(judged.chosen_by, None);
    }
}

#[cfg(not(windows))]
#[test]
fn names_in_another_case_set_nothing_of_the_user_s() {
    let sandbox = Sandbox::new();
    let env = json!({ "env": { "posthog_host": "https://eu.i.posthog.com" } });
    sandbox.write(USERS, &env.to_string());
    for caller in [Caller::ClaudeCode, Caller::Shell] {
        let judged = Environment::of(&sandbox.host(), caller);
        assert_eq!(judged.variable(Variable::PosthogHost), Ok(None));
    }
}

#[test]
fn a_file_above_the_project_chooses_nothing_where_the_user_s_value_is_in_force() {
    let sandbox = Sandbox::new();
    let (own, theirs) = ("https://own.example.com", "https://theirs.example.com");
    sandbox.set(USERS, Variable::PosthogHost, &json!(own));
    sandbox.set(COMMITTED, Variable::PosthogHost, &json!(theirs));
    let mut host = sandbox.host();
    host.cwd = Some(sandbox.project().join("below"));
    for (caller, given, is_chosen) in [
        (Caller::ClaudeCode, own, false),
        (Caller::ClaudeCode, theirs, true),
        (Caller::Onlooker, own, false),
    ] {
        let host = host.clone().with("POSTHOG_HOST", given);
        let judged = Environment::of(&host, caller);
        assert_eq!(judged.chosen_by.is_some(), is_chosen, "{caller:?} {given}");
        if !is_chosen {
            assert_eq!(judged.variable(Variable::PosthogHost), Ok(Some(own)));
        }
    }
}
