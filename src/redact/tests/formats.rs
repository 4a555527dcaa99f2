//! Formats of providers in real surroundings, and text that only looks like them.

use super::corpus::Random;
use crate::redact::Counts;
use crate::redact::RedactionKey;
use crate::redact::Redactor;
use crate::redact::text::format::{ALNUM, HEX, LOWER, LOWER_ALNUM, URL64};

fn redact(text: &str) -> String {
    Redactor::new(RedactionKey::new([7; 32]))
        .text(text, &mut Counts::default())
        .unwrap_or_else(|| text.to_owned())
}

#[track_caller]
fn assert_goes(text: &str, secret: &str) {
    let redacted = redact(text);
    let left = (12..secret.len().saturating_sub(11))
        .map(|at| &secret[at..at + 12])
        .find(|piece| redacted.contains(piece));
    assert!(
        !redacted.contains(secret) && left.is_none(),
        "{text} → {redacted}"
    );
}

#[track_caller]
fn assert_stays(text: &str) {
    assert_eq!(redact(text), text);
}

fn uuid(random: &mut Random) -> String {
    [8, 4, 4, 4, 12]
        .map(|length| random.bytes(HEX, length).to_lowercase())
        .join("-")
}

#[test]
fn keys_of_services_that_no_list_knows_go_in_every_spelling() {
    let mut random = Random(21);
    for service in ["looker", "acmecloud", "statusCake", "weather-stack"] {
        for name in ["_key", "Key", "-key", ".key", " key"] {
            for (before, after) in [
                (" = \"", "\""),
                ("=", "\n"),
                (": ", ""),
                ("\": \"", "\","),
                (" => '", "'"),
                (" := `", "`"),
            ] {
                for value in [
                    random.bytes(ALNUM, 32) + "4a",
                    random.bytes(HEX, 38) + "4a",
                    uuid(&mut random),
                ] {
                    let opening = if before.starts_with('"') { "\"" } else { "" };
                    assert_goes(
                        &format!("{opening}{service}{name}{before}{value}{after}"),
                        &value,
                    );
                }
            }
        }
    }
    for name in ["AIRBRAKETOKEN", "figmatoken", "mysecret"] {
        let value = random.bytes(ALNUM, 30) + "4a";
        assert_goes(&format!("{name} = '{value}'"), &value);
    }
}

#[test]
fn values_of_services_go_under_their_names_alone() {
    let mut random = Random(28);
    for name in [
        "okta_api",
        "ADAFRUIT",
        "adafruit",
        "iterable_API",
        "CIVO_ACCESS",
        "difyAppApi",
        "looker",
        "my_algolia",
        "newrelic",
        "MESSAGE_BIRD",
    ] {
        for (before, after) in [
            (" = \"", "\""),
            (" := `", "`"),
            ("=", "\n"),
            (": ", ""),
            (" => '", "'"),
            ("(\"", "\")"),
            (",", ",\n"),
            (" string = \"", "\""),
        ] {
            for value in [
                random.bytes(ALNUM, 38) + "4a",
                random.bytes(LOWER_ALNUM, 30) + "k7",
                random.bytes(HEX, 30).to_lowercase() + "4a",
                uuid(&mut random),
            ] {
                let opening = if before.starts_with(" string") {
                    "var "
                } else {
                    ""
                };
                assert_goes(&format!("{opening}{name}{before}{value}{after}"), &value);
            }
        }
    }
    let value = random.bytes(LOWER_ALNUM, 30) + "k7";
    for text in [
        format!("rapidapiToken,{value},"),
        format!("id,acmeToken\n7,{value}\n"),
        format!("acme_key,'{value}'"),
    ] {
        assert_goes(&text, &value);
    }
}

#[test]
fn other_things_of_services_stay() {
    let mut random = Random(29);
    let (hash, id) = (
        random.bytes(HEX, 38).to_lowercase() + "4a",
        uuid(&mut random),
    );
    for text in [
        format!("okta_org = \"{id}\""),
        format!("adafruit_client_id: {id}"),
        format!("GITHUB_SHA={hash}"),
        format!("github_commit: {hash}"),
        format!("sentry_project = '{id}'"),
        format!("LOOKER_VERSION={hash}"),
        format!("strava_account: \"{id}\""),
        format!("grafanaUrl = \"https://grafana.test/d/{hash}\""),
        format!("{{\"hex\", \"hexpm\", \"{hash}\", [:mix]}}"),
        "grafana: \"grafana/grafana:10.2.3-ubuntu\"".to_owned(),
        "github: \"posthog/posthog-llma-with-a-long-name\"".to_owned(),
        "openai = \"gpt-4o-mini-2024-07-18\"".to_owned(),
        "stripe: require('./handlers/stripeWebhookHandlerV2')".to_owned(),
        "figma = FigmaDesignTokenExporterV2ForPlugins".to_owned(),
        "shopify(createStorefrontApiClientWithRetries2)".to_owned(),
    ] {
        assert_stays(&text);
    }
}

#[test]
fn keys_of_other_things_stay() {
    let mut random = Random(22);
    let (hash, id) = (random.bytes(HEX, 40).to_lowercase(), uuid(&mut random));
    for text in [
        format!("cache_key = \"node-{hash}\""),
        format!("primary_key: \"{id}\""),
        format!("idempotencyKey: {id}"),
        format!("public_key = {hash}"),
        format!("objectKey = \"uploads/{hash}.png\""),
        "settingKey: 'app-settings-v2-theme-dark-mode'".to_owned(),
        "flagKey: \"enable-new-dashboard-v2-rollout\"".to_owned(),
        "i18nKey: settings.security.password.reset.title2".to_owned(),
        "monkey = \"banana2banana3banana4\"".to_owned(),
        "registryKey = \"HKEY_LOCAL_MACHINE\\\\SOFTWARE\\\\Policies1\"".to_owned(),
        "hotkey: ctrl+shift+f12".to_owned(),
    ] {
        assert_stays(&text);
    }
}

#[test]
fn hexadecimal_values_near_a_provider_go_only_where_a_secret_is_announced() {
    let mut random = Random(23);
    let (sha, id) = (random.bytes(HEX, 40).to_lowercase(), uuid(&mut random));
    for text in [
        format!("Gitea commit: {sha}"),
        format!("gitea version 1.21 (revision {sha})"),
        format!("snyk org id: {id}"),
        format!("snyk project: {id}"),
        format!("heroku release {id} deployed"),
        format!("circleci workflow: {id}"),
        format!("sentry, event: {}", random.bytes(HEX, 64)),
    ] {
        assert_stays(&text);
    }
    for (text, secret) in [
        (format!("gitea_token: {sha}"), &sha),
        (format!("GITEA_ACCESS={sha}"), &sha),
        (format!("snyk auth {{ \"api\": \"{id}\" }}"), &id),
        (format!("SNYK_TOKEN={id}"), &id),
        (format!("snyk = \"{id}\""), &id),
        (format!("heroku-api-key: '{id}'"), &id),
    ] {
        assert_goes(&text, secret);
    }
}

#[test]
fn names_of_classes_are_no_tokens() {
    let mut random = Random(24);
    for text in [
        "import { hf_SponsoredProductsCampaignNegativeKeywordV1 } from './api'",
        "type hf_SponsoredProductsCreateSponsoredProductsDraftTargetingClausesRequest struct",
        "STS.AssumeRoleWithWebIdentityInputRequest2",
        "s.handleUploadPackV2LSRefs(w, req, body)",
        "lip_sync_animation_frames_per_second_30",
        "prf_sha256_hmac_input_block_length_64",
        "sk_learn_pipeline_with_long_name_and_steps_v2 = 1",
        "key_findings_of_the_report_2024 = []",
        "org_chart_of_engineering_department_2024",
        "https://x.test/cb?code=error_access_denied_by_user",
    ] {
        assert_stays(text);
    }
    let lower = random.bytes(LOWER, 34);
    assert_goes(&format!("token hf_{lower} there"), &lower);
}

#[test]
fn tokens_that_hold_a_web_token_go_whole() {
    let header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
    let mut random = Random(25);
    let (payload, signature) = (random.bytes(URL64, 60), random.bytes(URL64, 43));
    let token = format!("{header}.eyJ{payload}.{signature}");
    for text in [
        format!("ghs_12345_{token}"),
        format!("Authorization: Bearer {token}"),
        format!("https://h.test/?jwt={token}&next=1"),
        format!("{{\\\"id\\\":\\\"{token}\\\"}}"),
    ] {
        assert_goes(&text, &token);
    }
    // A compressed or encrypted header, and such a payload.
    let packed = format!(
        "eyJ{}.{payload}.{signature}",
        random.bytes(ALNUM, 40) + "aB3"
    );
    assert_goes(&format!("value {packed} there"), &packed);
    // The whole token in base64.
    let encoded = format!(
        "ZXlKaGJHY2lPaUpJVXpJMU5pSXNJblI1Y0NJNklrcFhWQ0o5{}",
        random.bytes(ALNUM, 120)
    );
    for text in [
        format!("data: {encoded}"),
        format!("kubectl get secret -o json # {{\"x\": \"{encoded}==\"}}"),
    ] {
        assert_goes(&text, &encoded);
    }
}

#[test]
fn percent_encoded_characters_belong_to_the_token() {
    let mut random = Random(26);
    for escape in ["%2B", "%2f", "%2F"] {
        let tail = random.bytes(ALNUM, 24);
        let token = format!("whsec_{}{escape}{tail}", random.bytes(ALNUM, 24));
        assert_goes(&format!("https://h.test/?x={token}%3D%3D&y=2"), &token);
        let signature = format!("{}{escape}{tail}", random.bytes(ALNUM, 20));
        assert_goes(
            &format!("https://x.blob.core.windows.net/c/f?sv=1&sig={signature}%3D"),
            &signature,
        );
    }
    let cookie = format!(
        "xoxd-{}%2B{}/{}+{}",
        random.bytes(ALNUM, 16),
        random.bytes(ALNUM, 16),
        random.bytes(ALNUM, 16),
        random.bytes(ALNUM, 16)
    );
    assert_goes(&format!("see {cookie} there"), &cookie);
}

#[test]
fn formats_of_later_years_go_in_every_surrounding() {
    let mut random = Random(27);
    let mut of = |class, count| random.bytes(class, count) + "a4";
    let tokens = [
        format!("apk_user_{}==", of(ALNUM, 130)),
        format!("cog_{}", of(LOWER.and_also("234567"), 50)),
        format!("jina_{}", of(ALNUM, 58)),
        format!("sk_prod_{}", of(ALNUM, 24)),
        format!("1000.{}.{}", of(HEX, 30), of(HEX, 30)),
        format!("00D5g0Qb7Xk2m9PZ!{}", of(ALNUM, 60)),
        format!("3MVG9{}", of(ALNUM, 80)),
        format!("EAACEdEose0cBA{}", of(ALNUM, 40)),
        format!("507312894650178%7C{}", of(ALNUM, 25)),
        format!("AIK_SECRET_{}", of(ALNUM, 62)),
        format!("$aact_prod_{}", of(ALNUM, 60)),
        format!("dnkey-{}-{}", of(LOWER_ALNUM, 24), of(LOWER_ALNUM, 50)),
        format!("{}:fx", "01dd709d-b97a-ab9a-6efa-4d26cee2a054"),
        format!("$2b$12${}", of(ALNUM, 51)),
        format!("$6$rounds=5000$saltsalt${}", of(ALNUM, 84)),
    ];
    for token in tokens {
        for surrounding in [
            "@",
            "see @ there",
            "x = \"@\"",
            "KEY=@\nOTHER=1",
            "{\"id\": \"@\", \"n\": 1}",
            "{\\\"id\\\": \\\"@\\\"}",
            "-  id: old\n+  id: @\n",
        ] {
            assert_goes(&surrounding.replace('@', &token), &token);
        }
    }
    let bot = random.bytes(URL64, 35);
    for text in ["telegram_token: @", "tgram://@", "TELEGRAM = '@'"] {
        let token = format!("12345:{bot}");
        assert_goes(&text.replace('@', &token), &token);
    }
}
