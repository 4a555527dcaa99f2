//! A PostHog project key.

use std::fmt;

/// Maximum length of a key that PostHog accepts, in bytes.
const LONGEST_KEY: usize = 64;

/// Beginning of a project's key.
const PREFIX: &str = "phc_";

/// Least number of characters after the prefix. PostHog draws 32 random bytes and writes them in
/// base 62: 43 characters, and fewer than 40 once in 62³ keys.
const SHORTEST_DRAWN: usize = 40;

/// A PostHog project key. It is never displayed in full.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApiKey(String);

impl ApiKey {
    /// Validates a key by the rules of PostHog's ingestion.
    ///
    /// # Errors
    /// A description of what is wrong, to follow the name of the key's source. It never contains
    /// the key.
    pub(crate) fn parse(key: &str) -> Result<Self, String> {
        if key.is_empty() {
            return Err("is empty; copy the project API key (phc_…)".to_owned());
        }
        if key.starts_with("phx_") {
            return Err(
                "is a personal API key (phx_…); use the project API key (phc_…) \
                        from PostHog's project settings"
                    .to_owned(),
            );
        }
        if key.contains(|character: char| character.is_whitespace() || character.is_control()) {
            return Err("holds white space; copy the project API key (phc_…) again".to_owned());
        }
        if key.len() > LONGEST_KEY || !key.is_ascii() {
            return Err("is no project API key (phc_…): too long, or not of ASCII".to_owned());
        }
        Ok(Self(key.to_owned()))
    }

    /// Accepts a key only in the form that PostHog gives to keys of projects. Used for new keys:
    /// PostHog's ingestion answers 200 to any text, so that a wrong key would only show by missing
    /// events.
    ///
    /// # Errors
    /// As [`ApiKey::parse`].
    pub(crate) fn of_project(key: &str) -> Result<Self, String> {
        let parsed = Self::parse(key)?;
        let Some(drawn) = key.strip_prefix(PREFIX) else {
            return Err(
                "is no project API key: it begins with phc_ and is in the project's settings"
                    .to_owned(),
            );
        };
        if !drawn.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err("is no project API key: only letters and digits follow phc_".to_owned());
        }
        if drawn.len() < SHORTEST_DRAWN {
            return Err(format!(
                "is cut off: it has {} characters, and project API keys have about 47; copy it again",
                key.len()
            ));
        }
        Ok(parsed)
    }

    /// The full key, for requests.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }

    /// A shortened form by which the key can be recognised.
    pub(crate) fn masked(&self) -> String {
        let shown: String = self.0.chars().take(4).collect();
        let last: Vec<char> = self.0.chars().rev().take(4).collect();
        if self.0.chars().count() < 16 {
            return format!("{shown}…");
        }
        format!("{shown}…{}", last.into_iter().rev().collect::<String>())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_set_up_has_the_form_of_a_project_s_key() {
        let whole = format!("phc_{}", "aB3".repeat(14));
        for (key, problem) in [
            (whole.as_str(), None),
            ("app.posthog.com", Some("begins with phc_")),
            ("phx_personal", Some("personal API key")),
            (&whole[..30], Some("is cut off: it has 30 characters")),
            ("phc_", Some("is cut off")),
            ("phc_app.posthog.com", Some("only letters and digits")),
            ("", Some("is empty")),
        ] {
            match (ApiKey::of_project(key), problem) {
                (Ok(_), None) => {}
                (Err(found), Some(problem)) => assert!(found.contains(problem), "{found}"),
                (found, _) => panic!("{key}: {found:?}"),
            }
        }
    }
}
