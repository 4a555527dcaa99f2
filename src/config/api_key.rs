//! A PostHog project key.

use std::fmt;

/// Maximum length of a key that PostHog accepts, in bytes.
const LONGEST_KEY: usize = 64;

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
