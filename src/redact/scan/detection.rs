//! Detection of a secret at an anchor.

use super::detectors::{Detector, Form, format_of};
use super::memory::{Look, Memory};
use crate::redact::mark;
use crate::redact::names::Name;
use crate::redact::names::keys::{self, KnownNames};
use crate::redact::rules::matching::{Secret, rule_at};
use crate::redact::services;
use crate::redact::syntax::assigned::Assigned;
use crate::redact::syntax::assignment;
use crate::redact::syntax::blocks;
use crate::redact::syntax::calls;
use crate::redact::syntax::commands::{self, Called};
use crate::redact::syntax::files;
use crate::redact::syntax::json;
use crate::redact::syntax::pairs;
use crate::redact::syntax::statements;
use crate::redact::syntax::structures::{self, Scheme, Span};
use crate::redact::syntax::tables;
use crate::redact::text::anchors::Step;
use crate::redact::text::find::past;
use crate::redact::text::format::{run_length, starts_word};
use crate::redact::text::separator::count;
use crate::redact::values::random;
use crate::redact::values::{LONGEST_LOOK, is_placeholder};

/// Bytes between the name of a service and the value assigned to it, at most.
const LONGEST_JOINT: usize = 40;

impl Detector {
    /// Whether the result may depend on text farther away than that of other detectors.
    pub(crate) const fn looks_far(self) -> bool {
        matches!(
            self,
            Self::KubernetesSecret | Self::Form(Form::PrivateKey | Form::PrivateKeyTail)
        )
    }

    /// The secret that this detector finds for the anchor at `at`, if it begins at `floor` or
    /// later; or the end of the text to skip.
    pub(crate) fn detect(
        self,
        text: &[u8],
        at: usize,
        floor: usize,
        memory: &mut Memory,
    ) -> Option<Step<Secret>> {
        let secret =
            |(start, end), id| (start >= floor).then_some(Step::Found(Secret { start, end, id }));
        let known =
            |(start, end), id| secret((start, end), format_of(&text[start..end]).unwrap_or(id));
        match self {
            Self::Mark => mark::end_of_mark(text, at).map(Step::Skip),
            Self::Rule(rule) => rule_at(rule, text, at, floor).ok().map(Step::Found),
            Self::Form(form) => {
                let (span, id) = form.find(text, at, floor, memory)?;
                secret(span, id)
            }
            // A name inside a secret announces nothing.
            Self::Assignment { .. } | Self::Service(_) if memory.is_announced(at) => None,
            Self::Assignment { length } => {
                let name = Name::around(text, at, length, &mut memory.names)?;
                named(text, at, name, floor, memory).map(Step::Found)
            }
            Self::Service(service) => {
                let name = name_of_service(text, at, service, &mut memory.names)?;
                named(text, at, name, floor, memory).map(Step::Found)
            }
            Self::Call(..) if memory.reached.covers(Look::Call, at) => None,
            Self::Call(call, argument) => {
                let (span, reached) = calls::argument(text, past(text, at, call)?, argument);
                if span.is_none() {
                    memory.reached.remember(Look::Call, at, reached);
                }
                known(span?, "password")
            }
            Self::Around(announcement, reader, id) => {
                known(reader(text, past(text, at, announcement)?)?, id)
            }
            Self::Reader(reader) => {
                past(text, at, reader)?;
                known(commands::piped(text, at, reader)?, "password")
            }
            Self::Command(called) => {
                let found = on_command_line(text, at, called, memory)?;
                first(text, found, floor, memory).map(Step::Found)
            }
            Self::KubernetesSecret => {
                let found = blocks::kubernetes_secret(text, at, floor);
                first(text, found, floor, memory).map(Step::Found)
            }
            Self::Inserted if memory.reached.covers(Look::Statement, at) => None,
            Self::Inserted => {
                let (found, reached) = statements::inserted(text, at);
                memory.reached.remember(Look::Statement, at, reached);
                first(text, found, floor, memory).map(Step::Found)
            }
        }
    }
}

impl Form {
    /// The secret of this form whose anchor is at `at`, and its id.
    fn find(
        self,
        text: &[u8],
        at: usize,
        floor: usize,
        memory: &mut Memory,
    ) -> Option<(Span, &'static str)> {
        match self {
            Self::Bearer => credential(text, at, Scheme::Bearer),
            Self::Basic => credential(text, at, Scheme::Basic),
            Self::Url => {
                let (start, end) = structures::url_password(text, at)?;
                let id = format_of(&text[start..end]).unwrap_or("url-password");
                Some(((start, end), id))
            }
            Self::PrivateKey => {
                let label = past(text, at, "-----BEGIN")?;
                Some((structures::private_key(text, at, label)?, "private-key"))
            }
            Self::PrivateKeyTail => Some((
                structures::private_key_tail(text, at, floor)?,
                "private-key",
            )),
            Self::Hash if memory.reached.covers(Look::Hash, at) => None,
            Self::Hash => {
                let (span, reached) = files::hash(text, at);
                memory.reached.remember(Look::Hash, at, reached);
                Some((span?, "password-hash"))
            }
            Self::Pgpass => Some((files::pgpass(text, at)?, "password")),
            Self::IdentifiedBy => {
                let span = files::identified_by(text, at + "TIFIED".len())?;
                Some((span, "password"))
            }
        }
    }
}

/// The name that contains the name of a service, unless it is about something else.
fn name_of_service(text: &[u8], at: usize, service: &str, known: &mut KnownNames) -> Option<Name> {
    let length = service.len();
    // Anchors compare only the first eight bytes.
    text.get(at..at + length)
        .filter(|it| it.eq_ignore_ascii_case(service.as_bytes()))?;
    // Most mentions of a service are followed by prose.
    let joint = text[at + length..].iter().take(LONGEST_JOINT);
    joint
        .take_while(|byte| **byte != b'\n')
        .find(|byte| matches!(byte, b'=' | b':' | b'>' | b'(' | b',' | b'"'))?;
    // `"hexpm", "…"` is a list.
    if matches!(text[at + length..], [b'"' | b'\'', b',', ..]) {
        return None;
    }
    let name = Name::around(text, at, length, known)?;
    let from = at.checked_sub(name.start)?;
    let kind = services::kind_around(name.of(text), from, from + length)?;
    // `BITRISE_PAT`: the rest of the name is more specific than the service.
    let told = name.kind.filter(|kind| *kind != keys::Kind::Hint);
    Some(Name {
        kind: told.or(Some(kind)),
        ..name
    })
}

/// The secret that a name announces, in any notation.
fn named(text: &[u8], at: usize, name: Name, floor: usize, memory: &mut Memory) -> Option<Secret> {
    // `key`, `auth`, `login`
    let may_be_of_pair = matches!(name.of(text), [.., b'y' | b'h' | b'H' | b'n' | b'N']);
    if may_be_of_pair
        && name.kind.is_none_or(|kind| kind == keys::Kind::Hint)
        && let Some((start, end)) = files::kaggle(text, name)
            .or_else(|| files::basic(text, name))
            .or_else(|| calls::second_of_pair(text, name))
    {
        let kind = keys::Kind::Secret;
        return secret(text, Assigned { start, end, kind }, floor);
    }
    name.kind?;
    if let Some((start, end)) = calls::typed(text, name) {
        let kind = keys::Kind::Password;
        return secret(text, Assigned { start, end, kind }, floor);
    }
    if !memory.reached.covers(Look::Value, at) {
        let (assigned, reached) = assignment::read(text, name);
        if let Some(assigned) = assigned {
            return secret(text, assigned, floor);
        }
        memory.reached.remember(Look::Value, at, reached);
    }
    if let Some(assigned) = beside(text, name) {
        return secret(text, assigned, floor);
    }
    // These separators end every other notation.
    if matches!(text.get(name.end), Some(b'=' | b'(')) {
        return None;
    }
    if let Some(assigned) = blocks::read(text, name)
        .or_else(|| tables::row(text, name))
        .or_else(|| pairs::read(text, name))
    {
        return secret(text, assigned, floor);
    }
    // A field or cell ends with the name.
    if matches!(text[name.end..], [b' ', byte, ..] if byte.is_ascii_alphabetic()) {
        return None;
    }
    for (look, read) in [
        (Look::Json, json::values as fn(&[u8], Name) -> _),
        (Look::Table, tables::column),
    ] {
        if !memory.reached.covers(look, at)
            && let Some((found, reached)) = read(text, name)
        {
            memory.reached.remember(look, at, reached);
            if let Some(secret) = first(text, found, floor, memory) {
                return Some(secret);
            }
        }
    }
    None
}

/// A generated value right after a name and a comma, in quotes or not: `apiToken,…`.
fn beside(text: &[u8], name: Name) -> Option<Assigned> {
    let kind = name.kind.filter(|kind| *kind != keys::Kind::Hint)?;
    let opened = count(text, name.end, 3, |byte| {
        matches!(byte, b'"' | b'\'' | b'`')
    });
    let joint = name.end + opened;
    matches!(text.get(joint), Some(b',' | b'>')).then_some(())?;
    let quoted = count(text, joint + 1, 1, |byte| {
        matches!(byte, b'"' | b'\'' | b'`')
    });
    let start = joint + 1 + quoted;
    let end = start + run_length(random::ALPHABET, &text[start..], LONGEST_LOOK);
    let ended = matches!(
        text.get(end),
        None | Some(b',' | b'"' | b'\'' | b'`' | b'\n' | b'\r' | b';' | b' ' | b'<')
    );
    let value = &text[start..end];
    (ended && random::is_machine_made(value) && !is_placeholder(value)).then_some(Assigned {
        start,
        end,
        kind,
    })
}

fn secret(text: &[u8], assigned: Assigned, floor: usize) -> Option<Secret> {
    let id = format_of(&text[assigned.start..assigned.end]).unwrap_or(assigned.kind.id());
    (assigned.start >= floor).then_some(Secret {
        start: assigned.start,
        end: assigned.end,
        id,
    })
}

/// The first of several secrets. The scan remembers the others until it reaches them.
fn first(text: &[u8], found: Vec<Assigned>, floor: usize, memory: &mut Memory) -> Option<Secret> {
    let mut found = found.into_iter().filter_map(|it| secret(text, it, floor));
    let first = found.next();
    memory.announce(found);
    first
}

fn on_command_line(
    text: &[u8],
    at: usize,
    called: Called,
    memory: &mut Memory,
) -> Option<Vec<Assigned>> {
    let from = called.arguments(text, at)?;
    // The name of a program may be an argument of the command before it.
    let program = called.program();
    let is_read = memory.reached.covers(Look::Command, from) || memory.is_argument(program, at);
    if is_read || memory.is_announced(at) {
        return None;
    }
    let (found, reached) = called.passwords(text, from);
    if found.is_empty() {
        memory.reached.remember(Look::Command, from, reached);
    } else if program.takes_anywhere() {
        memory.call(program, reached);
    }
    let kind = keys::Kind::Password;
    let assigned = |(start, end)| Assigned { start, end, kind };
    Some(found.into_iter().map(assigned).collect())
}

/// The credential behind a word that names its scheme, and its id.
fn credential(text: &[u8], at: usize, scheme: Scheme) -> Option<(Span, &'static str)> {
    let (word, id) = match scheme {
        Scheme::Basic => ("basic", "basic-credentials"),
        Scheme::Bearer => ("bearer", "bearer-token"),
    };
    let (start, end) = structures::scheme_credential(text, at + word.len(), scheme)
        .filter(|_| starts_word(text, at))?;
    Some(((start, end), format_of(&text[start..end]).unwrap_or(id)))
}
