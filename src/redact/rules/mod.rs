//! The known secret formats, as data.
//!
//! A row says what a kind of secret is called, what it begins with or stands
//! next to, and what its body looks like; a group names the documentation the
//! formats were taken from. Rows are matched by [`super::scan`] and turned into
//! generated examples by the tests, so a new kind is one line here.
//!
//! Anchors, by how much they prove:
//!
//! - `prefix`: distinctive, also when glued to other words.
//! - `word`: short or common, counts only at the start of a word.
//! - `link`: a prefix that stays readable, such as a host name.
//! - `inside`: a fixed signature with bytes of the secret before it.
//! - `near`: the provider's name, for bodies that have no shape of their own.

mod cloud;
mod commerce;
mod delivery;
mod messaging;
mod models;
mod observability;
mod platforms;
mod protection;
mod services;
mod stores;

use super::checks::{self, Check};
use super::format::Part;

/// Formats with one source.
pub(super) struct Provider {
    /// Where the formats are documented.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader and the tests"))]
    pub(super) source: &'static str,
    pub(super) rules: &'static [Rule],
}

/// One kind of secret.
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) anchor: Anchor,
    /// What follows the anchor.
    pub(super) body: &'static [Part],
    pub(super) check: Check,
}

/// What makes a rule look closer.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Prefix(&'static str),
    Word(&'static str),
    Link(&'static str),
    Inside { lead: Part, signature: &'static str },
    Near(&'static [&'static str]),
}

/// Every group of every field.
pub(super) fn providers() -> impl Iterator<Item = &'static Provider> {
    [
        cloud::PROVIDERS,
        delivery::PROVIDERS,
        models::PROVIDERS,
        commerce::PROVIDERS,
        messaging::PROVIDERS,
        observability::PROVIDERS,
        platforms::PROVIDERS,
        protection::PROVIDERS,
        services::PROVIDERS,
        stores::PROVIDERS,
    ]
    .into_iter()
    .flatten()
}

/// Every rule.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
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
