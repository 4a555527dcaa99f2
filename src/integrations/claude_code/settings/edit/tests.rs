use super::*;
use proptest::prelude::*;

const SET: [(&str, &str); 2] = [
    ("POSTHOG_API_KEY", "phc_new"),
    ("POSTHOG_HOST", "https://x"),
];
const NAMES: [&str; 2] = ["POSTHOG_API_KEY", "POSTHOG_HOST"];

#[test]
fn only_the_env_block_changes() {
    for (before, after) in [
        (
            "",
            "{\n  \"env\": {\n    \"POSTHOG_API_KEY\": \"phc_new\",\n    \"POSTHOG_HOST\": \"https://x\"\n  }\n}\n",
        ),
        (
            "{\n  \"model\": \"opus\",\n  \"env\": {\n    \"OTHER\": \"1\"\n  },\n  \"hooks\": {\"Stop\": []}\n}\n",
            "{\n  \"model\": \"opus\",\n  \"env\": {\n    \"OTHER\": \"1\",\n    \"POSTHOG_API_KEY\": \"phc_new\",\n    \"POSTHOG_HOST\": \"https://x\"\n  },\n  \"hooks\": {\"Stop\": []}\n}\n",
        ),
        // Tabs, Windows line ends, numbers in their original form, a value that changes.
        (
            "{\r\n\t\"n\": 1.50e3,\r\n\t\"env\": {\r\n\t\t\"POSTHOG_HOST\": \"https://old\"\r\n\t}\r\n}",
            "{\r\n\t\"n\": 1.50e3,\r\n\t\"env\": {\r\n\t\t\"POSTHOG_HOST\": \"https://x\",\r\n\t\t\"POSTHOG_API_KEY\": \"phc_new\"\r\n\t}\r\n}",
        ),
        // The last of two properties counts.
        (
            "\u{feff}{\"env\": {}, \"env\": {\n\"POSTHOG_HOST\": \"a\",\n\"POSTHOG_HOST\": \"b\", \"POSTHOG_API_KEY\": \"\"}}",
            "\u{feff}{\"env\": {}, \"env\": {\n\"POSTHOG_HOST\": \"a\",\n\"POSTHOG_HOST\": \"https://x\", \"POSTHOG_API_KEY\": \"phc_new\"}}",
        ),
    ] {
        assert_eq!(with_variables(before, &SET), after);
    }
}

#[test]
fn removing_variables_leaves_the_rest_unchanged() {
    for before in [
        "{\n    \"model\": \"opus\",\n\n    \"env\": { \"A\" : \"1\" },\n    \"b\": [ 1,2 ]\n}\n",
        "{\"env\":{\"A\":\"1\"}}",
        "{\n\t\"a\": 1\n}",
        "{\r\n  \"a\": [\r\n    1\r\n  ],\r\n  \"env\": {\r\n    \"A\": \"1\"\r\n  }\r\n}\r\n",
    ] {
        let set = with_variables(before, &SET);
        assert_ne!(set, before);
        let removed = without_variables(&set, &NAMES);
        assert_eq!(parse(&removed).unwrap(), parse(before).unwrap(), "{set}");
    }
    let kept = "{\"env\":{\"A\":\"1\"}}";
    assert_eq!(without_variables(kept, &NAMES), kept);
}

/// Any content of a settings file.
fn settings() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    let env = prop::option::of(prop::collection::btree_map(
        any::<String>(),
        any::<String>(),
        0..4,
    ));
    let rest = prop::collection::btree_map(any::<String>(), value, 0..4);
    (rest, env).prop_map(|(rest, env)| {
        let mut settings: Map<String, Value> = rest.into_iter().collect();
        settings.shift_remove("env");
        if let Some(env) = env {
            settings.insert("env".to_owned(), json!(env));
        }
        Value::Object(settings)
    })
}

proptest! {
    #[test]
    fn no_other_setting_is_touched(before in settings(), is_pretty: bool) {
        let text = if is_pretty { format!("{before:#}") } else { before.to_string() };
        let mut expected = before;
        for (name, value) in SET {
            expected["env"][name] = json!(value);
        }
        let text = with_variables(&text, &SET);
        prop_assert_eq!(parse(&text).unwrap().to_string(), expected.to_string());

        let env = expected["env"].as_object_mut().unwrap();
        for name in NAMES {
            env.shift_remove(name);
        }
        if env.is_empty() {
            expected.as_object_mut().unwrap().shift_remove("env");
        }
        let text = without_variables(&text, &NAMES);
        prop_assert_eq!(parse(&text).unwrap().to_string(), expected.to_string());
    }
}

#[test]
fn unreadable_files_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.json");
    for (text, said) in [
        ("{\n  // mine\n  \"a\": 1\n}", "cannot be read as JSON"),
        ("{\"a\": 1,}", "cannot be read as JSON"),
        ("[]", "all of it is not a JSON object"),
        ("{\"env\": \"A=1\"}", "env is not a JSON object"),
    ] {
        fs::write(&path, text).unwrap();
        let error = SettingsFile::open(&path).unwrap_err().to_string();
        assert!(
            error.contains(said) && error.contains("settings.json"),
            "{error}"
        );
    }
}
