//! The known secret formats, as data.
//!
//! A row holds the id of a kind of secret, its anchor and its body; a group holds the documentation
//! that its formats come from. [`matching`] matches rows, and the tests generate examples from
//! them, so a new kind is one line here.
//!
//! Anchors, from strong to weak evidence:
//!
//! - `prefix`: distinctive, also when glued to other words.
//! - `word`: short or common, counts only at the start of a word.
//! - `link`: a prefix that stays readable, such as a host name.
//! - `inside`: a fixed signature with bytes of the secret before it.
//! - `near`: the provider's name, for bodies that have no shape of their own.

mod cloud;
mod commerce;
mod delivery;
mod identity;
mod mail;
pub(crate) mod matching;
mod messaging;
mod models;
mod near;
mod observability;
mod platforms;
mod protection;
mod registries;
mod services;
mod stores;

use super::text::format::Part;
use super::values::checks::{self, Check};

/// Formats with one source.
pub(crate) struct Provider {
    /// Address of the documentation.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader and the tests"))]
    pub(crate) source: &'static str,
    pub(crate) rules: &'static [Rule],
}

/// One kind of secret.
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) anchor: Anchor,
    /// Format of the text after the anchor.
    pub(crate) body: &'static [Part],
    pub(crate) check: Check,
}

/// Text that starts the match of a rule.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Prefix(&'static str),
    Word(&'static str),
    Link(&'static str),
    Inside { lead: Part, signature: &'static str },
    Near(&'static [&'static str]),
}

/// Every group of rules.
pub(crate) fn providers() -> impl Iterator<Item = &'static Provider> {
    [
        cloud::PROVIDERS,
        delivery::PROVIDERS,
        registries::PROVIDERS,
        models::PROVIDERS,
        commerce::PROVIDERS,
        messaging::PROVIDERS,
        mail::PROVIDERS,
        observability::PROVIDERS,
        platforms::PROVIDERS,
        protection::PROVIDERS,
        identity::PROVIDERS,
        services::PROVIDERS,
        stores::PROVIDERS,
    ]
    .into_iter()
    .flatten()
}

/// Every rule.
pub(crate) fn all() -> impl Iterator<Item = &'static Rule> {
    providers().flat_map(|provider| provider.rules)
}

impl Rule {
    const fn checked(mut self, check: Check) -> Self {
        self.check = check;
        self
    }
}

const fn provider(source: &'static str, rules: &'static [Rule]) -> Provider {
    Provider { source, rules }
}

const fn rule(id: &'static str, anchor: Anchor, body: &'static [Part]) -> Rule {
    Rule {
        id,
        anchor,
        body,
        check: checks::generated,
    }
}

const fn prefix(id: &'static str, prefix: &'static str, body: &'static [Part]) -> Rule {
    rule(id, Anchor::Prefix(prefix), body)
}

const fn word(id: &'static str, prefix: &'static str, body: &'static [Part]) -> Rule {
    rule(id, Anchor::Word(prefix), body)
}

const fn link(id: &'static str, kept: &'static str, body: &'static [Part]) -> Rule {
    rule(id, Anchor::Link(kept), body)
}

const fn inside(
    id: &'static str,
    lead: Part,
    signature: &'static str,
    body: &'static [Part],
) -> Rule {
    rule(id, Anchor::Inside { lead, signature }, body)
}

const fn near(id: &'static str, names: &'static [&'static str], body: &'static [Part]) -> Rule {
    rule(id, Anchor::Near(names), body)
}
