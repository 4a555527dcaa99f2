//! Secrets in structured data, and in JSON inside text.

use serde_json::{Value, json};

use super::corpus::Random;
use super::{redact, redactor};
use crate::redact::Counts;
use crate::redact::text::format::ALNUM;

fn redact_json(mut value: Value) -> Value {
    redactor().value(&mut value, &mut Counts::default());
    value
}

#[test]
fn json_values_under_sensitive_keys_go_at_any_depth() {
    let redacted = redact_json(json!({
        "user": {"password": "correct horse 9", "pin": 4711, "name": "bob"},
        "list": [{"apiKey": "k-12345678"}, {"client_secret": "zzz-yyy"}],
        "env": [{"name": "DB_PASSWORD", "value": "swordfish"}, {"name": "MODE", "value": "swordfish"}],
        "password": 123_456, "max_tokens": 4096, "token": null, "secret": true, "api_keys": [],
        "inner": "{\"password\":\"swordfish\",\"n\":1.50}",
    }));
    let text = redacted.to_string();
    for gone in ["horse", "4711", "k-12345678", "zzz-yyy", "123456"] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
    assert_eq!(text.matches("swordfish").count(), 1, "{text}");
    assert_eq!(redacted["user"]["name"], "bob");
    assert_eq!(redacted["max_tokens"], 4096);
    assert_eq!(redacted["secret"], true);
    assert!(
        redacted["inner"]
            .as_str()
            .unwrap()
            .ends_with("\",\"n\":1.50}")
    );
    assert_eq!(redact_json(redacted.clone()), redacted);
}

#[test]
fn a_secret_in_json_within_texts_goes_however_many_texts_are_around_it() {
    for field in ["password", "db_password", "client_secret"] {
        let mut text = json!({ field: "swordfish-9", "n": 1 }).to_string();
        for depth in 0..7 {
            for line in [text.clone(), format!("it said {text}, and ended")] {
                let redacted = redact(&line);
                assert!(!redacted.contains("swordfish"), "{depth}: {redacted}");
                assert!(redacted.contains("[redacted:"), "{depth}: {redacted}");
            }
            let value = redact_json(Value::from(text.clone()));
            let mut inner = value.as_str().unwrap().to_owned();
            for _ in 0..depth {
                let outer: Value = serde_json::from_str(&inner).expect("it is still JSON");
                inner = outer["message"].as_str().unwrap().to_owned();
            }
            let innermost: Value = serde_json::from_str(&inner).expect("it is still JSON");
            assert_eq!(innermost["n"], 1, "{depth}");
            text = json!({ "message": text }).to_string();
        }
    }
}

#[test]
fn secrets_in_object_keys_go_and_no_field_is_lost() {
    let token = format!("npm_{}", Random(13).bytes(ALNUM, 36));
    let redacted = redact_json(json!({"a": 1, token.as_str(): 2, "b": 3}));
    let keys: Vec<_> = redacted.as_object().unwrap().keys().collect();
    assert!(
        keys[1].starts_with("[redacted:npm-token:") && keys.len() == 3,
        "{keys:?}"
    );
}

#[test]
fn a_known_format_under_a_sensitive_key_keeps_its_own_id() {
    let token = format!("hf_{}", Random(14).bytes(ALNUM, 34));
    let mut counts = Counts::default();
    let mut value = json!({"token": token, "text": format!("HF_TOKEN={token}")});
    redactor().value(&mut value, &mut counts);
    assert_eq!(
        counts.iter().collect::<Vec<_>>(),
        [("huggingface-token", 2)]
    );
}

#[test]
fn text_of_json_stays_json_when_a_number_goes() {
    for text in [
        r#"{"token":12345,"n":1}"#,
        r#"{"password" : 123456}"#,
        r#"{"api_key": [12345, 67890], "n": 2.5}"#,
        r#"{"auth":{"secret":-1.5e3},"list":[1,2]}"#,
    ] {
        let redacted = redact(text);
        assert!(redacted.contains("[redacted:"), "{redacted}");
        serde_json::from_str::<Value>(&redacted).expect(&redacted);
        // The same in a string of other JSON.
        let outer = json!({"inner": text}).to_string();
        let redacted = redact(&outer);
        assert!(redacted.contains("[redacted:"), "{redacted}");
        let outer: Value = serde_json::from_str(&redacted).expect(&redacted);
        let inner = outer["inner"].as_str().unwrap();
        serde_json::from_str::<Value>(inner).expect(inner);
    }
    assert!(redact("pin_code = 1\npassword: 123456x\n").contains("password: [redacted:"));
}

#[test]
fn generated_values_under_the_name_of_a_service_are_replaced() {
    let made = Random(15).bytes(ALNUM, 38) + "4a";
    let redacted = redact_json(json!({
        "adafruit": made, "OKTA_API": made, "okta_org": made, "looker": "dashboards",
    }));
    assert_eq!(
        redacted.to_string().matches(made.as_str()).count(),
        1,
        "{redacted}"
    );
    assert_eq!(redacted["okta_org"], made);
    assert_eq!(redacted["looker"], "dashboards");
}

#[test]
fn a_list_announces_the_secrets_in_it_as_its_text_would() {
    let secret = "gT7pQ2xWmZ9kL4vR";
    let redactor = redactor();
    for list in [
        json!(["mysql", "--password", secret]),
        json!(["run", "--token", secret, "--verbose"]),
        json!([["X-Api-Key", secret], ["Accept", "*/*"]]),
        json!({"args": ["curl", "-H", format!("X-Api-Key: {secret}")]}),
    ] {
        let mut counts = Counts::default();
        let mut redacted = list.clone();
        redactor.value(&mut redacted, &mut counts);
        assert!(!redacted.to_string().contains(secret), "{redacted}");
        assert_eq!(redacted.is_array(), list.is_array());
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), 1);
    }
    for list in [
        json!(["--password", "--verbose"]),
        json!(["read", "password", "token"]),
        json!(["a", 1, null]),
    ] {
        let mut redacted = list.clone();
        redactor.value(&mut redacted, &mut Counts::default());
        assert_eq!(redacted, list);
    }
}
