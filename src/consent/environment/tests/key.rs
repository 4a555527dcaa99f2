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
