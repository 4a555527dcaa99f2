//! Names of models, as clouds and gateways write them.

use std::borrow::Cow;

/// Geographies that Amazon Bedrock's inference profiles route within. A profile is named after its
/// model with one of them as a prefix. Source:
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html>.
const PROFILE_REGIONS: [&str; 8] = ["us", "eu", "apac", "global", "us-gov", "jp", "au", "ca"];

/// Makers, by the prefix of their models' names. Makers are named as in PostHog's cost tables
/// (`canonical-providers.ts` of its ingestion).
const MAKERS: [(&str, &str); 34] = [
    ("claude", "anthropic"),
    ("anthropic", "anthropic"),
    ("gpt", "openai"),
    ("chatgpt", "openai"),
    ("codex", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("openai", "openai"),
    ("gemini", "google"),
    ("gemma", "google"),
    ("google", "google"),
    ("deepseek", "deepseek"),
    ("qwen", "alibaba"),
    ("qwq", "alibaba"),
    ("kimi", "moonshotai"),
    ("moonshot", "moonshotai"),
    ("glm", "z-ai"),
    ("z-ai", "z-ai"),
    ("zai", "z-ai"),
    ("grok", "xai"),
    ("x-ai", "xai"),
    ("mistral", "mistral"),
    ("ministral", "mistral"),
    ("magistral", "mistral"),
    ("codestral", "mistral"),
    ("devstral", "mistral"),
    ("mixtral", "mistral"),
    ("llama", "meta"),
    ("meta-llama", "meta"),
    ("minimax", "minimax"),
    ("mimo", "xiaomi"),
    ("nova", "amazon"),
    ("command", "cohere"),
];

/// The model's own name, without the parts that say where it runs. A name that identifies no model,
/// such as that of an application's own inference profile, is returned without its account.
///
/// Sources: Bedrock's inference profiles and model ids, and Vertex AI's versions of partner models
/// (<https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude>).
#[must_use]
pub fn behind(name: &str) -> Cow<'_, str> {
    let own = match name.split_once(":bedrock:") {
        // arn:aws:bedrock:REGION:ACCOUNT:KIND/ID
        Some((_, place)) => place.splitn(3, ':').nth(2).unwrap_or(place),
        None => name,
    };
    let own = match own.rsplit_once('/') {
        Some((kind, id)) if kind != "application-inference-profile" && is_place(kind) => id,
        _ => own,
    };
    let own = after_region(own);
    let own = own.strip_prefix("anthropic.").unwrap_or(own);
    let own = own.strip_suffix("[1m]").unwrap_or(own);
    match own.split_once('@') {
        Some((model, "default" | "latest")) => Cow::Borrowed(model),
        Some((model, version)) => Cow::Owned(format!("{model}-{version}")),
        None => Cow::Borrowed(before_version(own)),
    }
}

/// The provider or maker of a model, if its name shows it: `bedrock` and `vertex` have their own
/// model names, other names begin with the name of the maker or of the model family.
#[must_use]
pub fn provider(name: &str) -> Option<&'static str> {
    if name.contains(":bedrock:") || after_region(name).starts_with("anthropic.") {
        return Some("bedrock");
    }
    if name.contains('@') {
        return Some("vertex");
    }
    let name = name.to_lowercase();
    let makers = || {
        name.split('/')
            .flat_map(|part| MAKERS.iter().map(move |it| (part, it)))
    };
    let found = makers().find(|(part, (start, _))| {
        let rest = part.strip_prefix(start);
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_lowercase()))
    });
    found.map(|(_, (_, maker))| *maker)
}

/// Whether a path segment of a model's resource name says where the model runs, not which it is.
fn is_place(kind: &str) -> bool {
    kind.ends_with("inference-profile") || kind == "foundation-model" || kind.ends_with("/models")
}

fn after_region(name: &str) -> &str {
    match name.split_once('.') {
        Some((region, model)) if PROFILE_REGIONS.contains(&region) => model,
        _ => name,
    }
}

/// The name without Bedrock's version suffix such as `-v1:0`, which follows the maker's own date.
fn before_version(name: &str) -> &str {
    let Some((model, version)) = name.rsplit_once("-v") else {
        return name;
    };
    let is_version = version.starts_with(|first: char| first.is_ascii_digit())
        && version
            .chars()
            .all(|each| each.is_ascii_digit() || matches!(each, ':' | 'k'));
    if is_version && model.starts_with("claude") {
        model
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_behind_a_cloud_s_name_has_the_maker_s_name() {
        for (name, model) in [
            ("claude-opus-4-8", "claude-opus-4-8"),
            ("claude-opus-4-8[1m]", "claude-opus-4-8"),
            (
                "us.anthropic.claude-sonnet-4-20250514-v1:0",
                "claude-sonnet-4-20250514",
            ),
            (
                "anthropic.claude-3-5-sonnet-20241022-v2:0",
                "claude-3-5-sonnet-20241022",
            ),
            ("global.anthropic.claude-opus-4-8", "claude-opus-4-8"),
            (
                "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-8-v1:0",
                "claude-opus-4-8",
            ),
            (
                "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0",
                "claude-haiku-4-5-20251001",
            ),
            (
                "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/x7kq2",
                "application-inference-profile/x7kq2",
            ),
            ("claude-sonnet-4@20250514", "claude-sonnet-4-20250514"),
            ("claude-opus-5@default", "claude-opus-5"),
            (
                "publishers/anthropic/models/claude-opus-4-5@20251101",
                "claude-opus-4-5-20251101",
            ),
            ("anthropic/claude-sonnet-4.5", "anthropic/claude-sonnet-4.5"),
            (
                "us.meta.llama3-3-70b-instruct-v1:0",
                "meta.llama3-3-70b-instruct-v1:0",
            ),
            ("deepseek-v3", "deepseek-v3"),
            ("gpt-5.6", "gpt-5.6"),
        ] {
            assert_eq!(behind(name), model, "{name}");
        }
    }

    #[test]
    fn a_name_shows_the_provider_or_maker_of_a_model() {
        for (name, expected) in [
            ("claude-opus-4-8", Some("anthropic")),
            ("anthropic/claude-sonnet-4.5", Some("anthropic")),
            (
                "us.anthropic.claude-sonnet-4-20250514-v1:0",
                Some("bedrock"),
            ),
            (
                "arn:aws:bedrock:eu-west-1:1:application-inference-profile/x7kq2",
                Some("bedrock"),
            ),
            ("claude-sonnet-4@20250514", Some("vertex")),
            ("gpt-5.6-codex", Some("openai")),
            ("openrouter/openai/o3", Some("openai")),
            ("o3", Some("openai")),
            ("o3mega", None),
            ("gemini-3-pro", Some("google")),
            ("deepseek-chat", Some("deepseek")),
            ("Qwen3-Coder-480B", Some("alibaba")),
            ("kimi-k2", Some("moonshotai")),
            ("GLM-4.6", Some("z-ai")),
            ("z-ai/glm-5", Some("z-ai")),
            ("MiniMax-M2", Some("minimax")),
            ("mistralai/devstral-2", Some("mistral")),
            ("our-own-model", None),
            ("", None),
        ] {
            assert_eq!(provider(name), expected, "{name}");
        }
    }
}
