//! What an anchor announces, and how it is looked into.

use super::anchors::{Anchors, Step};
use super::assignment::{self, Assigned};
use super::commands::{self, Called};
use super::format::{Part, run_length, starts_word};
use super::keys::{self, Kind, KnownNames};
use super::name::Name;
use super::rules::{self, Anchor, Rule};
use super::scan::{Finding, Look, Memory, format_of, past, rule_at};
use super::separator::count;
use super::structures::{self, Span};
use super::values::{LONGEST_LOOK, is_placeholder};
use super::{
    blocks, calls, devices, dialogues, files, json, mark, pairs, prose, random, services,
    statements, tables,
};

/// Finds a secret near the end of a piece of text that announces one.
type Reader = fn(&[u8], usize) -> Option<Span>;

/// What is looked for where an anchor stands.
#[derive(Clone, Copy)]
pub(super) enum Detector {
    Mark,
    Rule(&'static Rule),
    Assignment {
        length: usize,
    },
    /// The name of a service, for values without a shape of their own.
    Service(&'static str),
    Bearer,
    Basic,
    Url,
    PrivateKey,
    PrivateKeyTail,
    Command(Called),
    Reader(&'static str),
    KubernetesSecret,
    Hash,
    Pgpass,
    IdentifiedBy,
    /// The rows that a statement inserts.
    Inserted,
    /// A call whose argument of this number is a secret.
    Call(&'static str, usize),
    /// What stands behind, or around, a piece of text that announces a secret.
    Around(&'static str, Reader, &'static str),
}

/// How far after a service's name the value assigned to it may begin.
const LONGEST_JOINT: usize = 40;

/// Everything that makes the scanner look closer.
pub(super) fn anchors() -> Vec<(Vec<u8>, Detector)> {
    let mut anchors = vec![(mark::ANCHOR.into(), Detector::Mark)];
    anchors.extend(rules::all().flat_map(of_rule));
    anchors.extend(of_names());
    anchors.extend(of_commands());
    let hashes = files::HASHES.iter();
    anchors.extend(hashes.map(|it| ((*it).into(), Detector::Hash)));
    let passwords = files::PGPASS.iter();
    anchors.extend(passwords.map(|it| ((*it).into(), Detector::Pgpass)));
    let calls = calls::TAKERS.iter();
    anchors.extend(calls.map(|(it, argument)| ((*it).into(), Detector::Call(it, *argument))));
    anchors.extend(AROUND.iter().flat_map(|(texts, reader, id)| {
        let texts = texts.iter();
        texts.map(|it| ((*it).into(), Detector::Around(it, *reader, id)))
    }));
    let structures = STRUCTURES.iter();
    anchors.extend(structures.map(|(it, detector)| ((*it).into(), *detector)));
    anchors
}

/// How what a rule looks for begins, or the names near it.
fn of_rule(rule: &'static Rule) -> Vec<(Vec<u8>, Detector)> {
    let texts: Vec<_> = match rule.anchor {
        Anchor::Prefix(text)
        | Anchor::Word(text)
        | Anchor::Link(text)
        | Anchor::Inside {
            signature: text, ..
        } => lengthened(text, rule.body),
        Anchor::Near(names) => names.iter().copied().flat_map(spellings).collect(),
    };
    let detector = Detector::Rule(rule);
    texts.into_iter().map(|it| (it, detector)).collect()
}

/// Names of services and of what holds a secret.
fn of_names() -> Vec<(Vec<u8>, Detector)> {
    let known = rules::all().flat_map(|rule| match rule.anchor {
        Anchor::Near(names) => names,
        _ => &[],
    });
    let services = services::names(known.copied())
        .into_iter()
        .map(|it| (it, Detector::Service(it)));
    let words = keys::ANCHORS
        .iter()
        .map(|it| (*it, Detector::Assignment { length: it.len() }));
    let short = keys::SHORT_ANCHORS.iter().map(|(name, length)| {
        let detector = Detector::Assignment { length: *length };
        ((*name).into(), detector)
    });
    services
        .chain(words)
        .flat_map(|(name, detector)| spellings(name).into_iter().map(move |it| (it, detector)))
        .chain(short)
        .collect()
}

/// Programs that take a secret, statements that have one, and what reads one.
fn of_commands() -> Vec<(Vec<u8>, Detector)> {
    let programs = commands::programs().flat_map(|called| {
        let texts = called.anchors().into_iter();
        texts.map(move |it| (it, Detector::Command(called)))
    });
    let values = spellings(statements::VALUES).into_iter();
    let readers = commands::readers();
    programs
        .chain(values.map(|it| (it, Detector::Inserted)))
        .chain(readers.map(|it| (it.into(), Detector::Reader(it))))
        .collect()
}

/// What has a secret in it by its own form.
const STRUCTURES: &[(&str, Detector)] = &[
    ("Bearer ", Detector::Bearer),
    ("bearer ", Detector::Bearer),
    ("Basic ", Detector::Basic),
    ("basic ", Detector::Basic),
    ("://", Detector::Url),
    ("-----BEGIN", Detector::PrivateKey),
    ("-----END", Detector::PrivateKeyTail),
    ("Secret", Detector::KubernetesSecret),
    ("TIFIED", Detector::IdentifiedBy),
    ("tified by", Detector::IdentifiedBy),
];

/// What announces a secret behind or around it, where to look, and the id of what is there.
const AROUND: &[(&[&str], Reader, &str)] = &[
    (files::LABELS, files::labelled, "secret"),
    (files::DRIVER_HOSTS, files::driver_address, "password"),
    (files::ACCESS_LISTS, files::access_list, "password"),
    (calls::SENDERS, calls::sent, "password"),
    (calls::ENCODERS, calls::encoded_pair, "password"),
    (calls::CONVERTERS, calls::converted, "password"),
    (devices::ANNOUNCEMENTS, devices::configured, "password"),
    (files::THIN_ADDRESSES, files::thin_address, "password"),
    (pairs::COOKIE_FIELDS, pairs::confessed, Kind::Cookie.id()),
    (pairs::CONFESSIONS, pairs::confessed, Kind::Secret.id()),
    (commands::PRINTERS, commands::printed, "password"),
    (prose::ANNOUNCEMENTS, prose::announced, "password"),
    (prose::LOGINS, prose::beside_user, "password"),
    (prose::RELAYS, prose::relayed, "password"),
    (prose::ENCLOSURES, prose::enclosed, "password"),
    (dialogues::LOGINS, dialogues::login, "password"),
    (dialogues::PLAIN, dialogues::plain, "password"),
    (dialogues::PROMPTS, dialogues::answered, "password"),
    (dialogues::PASSES, dialogues::pass, "password"),
    (dialogues::SERVICES, dialogues::identified, "password"),
    (dialogues::REDIS, dialogues::redis, "password"),
    (files::NETWORKS, files::network, "password"),
    (files::PPP, files::ppp, "password"),
    (files::REGISTRATIONS, files::registration, "password"),
    (
        commands::COMMANDS_FOR_PASSWORDS,
        commands::echoed,
        "password",
    ),
    (calls::LABELS, calls::before_label, "password"),
];

/// A prefix too short for the filter, with every byte that may follow it.
fn lengthened(prefix: &str, body: &[Part]) -> Vec<Vec<u8>> {
    match body.first() {
        Some(Part::Run { class, .. }) if prefix.len() < Anchors::<Detector>::SHORTEST => class
            .members()
            .map(|byte| [prefix.as_bytes(), &[byte]].concat())
            .collect(),
        _ => vec![prefix.into()],
    }
}

/// `datadog`, `Datadog`, `DATADOG`; a spelling of its own is kept beside them.
fn spellings(name: &str) -> Vec<Vec<u8>> {
    let lower = name.to_ascii_lowercase();
    let upper = name.to_ascii_uppercase();
    let mut title = lower.clone();
    title[..1].make_ascii_uppercase();
    let mut all = vec![name.into(), lower.into(), upper.into(), title.into()];
    all.sort_unstable();
    all.dedup();
    all
}

impl Detector {
    /// May depend on what stands farther away than any other does.
    pub(super) const fn looks_far(self) -> bool {
        matches!(
            self,
            Self::KubernetesSecret | Self::PrivateKey | Self::PrivateKeyTail
        )
    }

    pub(super) fn detect(
        self,
        text: &[u8],
        at: usize,
        floor: usize,
        memory: &mut Memory,
    ) -> Option<Step<Finding>> {
        let secret =
            |(start, end), id| (start >= floor).then_some(Step::Found(Finding { start, end, id }));
        let known =
            |(start, end), id| secret((start, end), format_of(&text[start..end]).unwrap_or(id));
        match self {
            Self::Mark => mark::end_of_mark(text, at).map(Step::Skip),
            Self::Rule(rule) => rule_at(rule, text, at, floor).ok().map(Step::Found),
            // A name that is part of a secret announces nothing.
            Self::Assignment { .. } | Self::Service(_) if memory.is_announced(at) => None,
            Self::Assignment { length } => {
                let name = Name::around(text, at, length, &mut memory.names)?;
                named(text, at, name, floor, memory).map(Step::Found)
            }
            Self::Service(service) => {
                let name = name_of_service(text, at, service, &mut memory.names)?;
                named(text, at, name, floor, memory).map(Step::Found)
            }
            Self::Bearer => {
                credential(text, at, "bearer-token", false).and_then(|(span, id)| secret(span, id))
            }
            Self::Basic => credential(text, at, "basic-credentials", true)
                .and_then(|(span, id)| secret(span, id)),
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
            Self::Url => known(structures::url_password(text, at)?, "url-password"),
            Self::PrivateKey => {
                let label = past(text, at, "-----BEGIN")?;
                structures::private_key(text, at, label)
                    .and_then(|span| secret(span, "private-key"))
            }
            Self::PrivateKeyTail => structures::private_key_tail(text, at, floor)
                .and_then(|span| secret(span, "private-key")),
            Self::Command(called) => {
                let found = on_command_line(text, at, called, memory)?;
                first(text, found, floor, memory).map(Step::Found)
            }
            Self::Reader(reader) => {
                past(text, at, reader)?;
                known(commands::piped(text, at, reader)?, "password")
            }
            Self::KubernetesSecret => {
                let found = blocks::kubernetes_secret(text, at, floor);
                first(text, found, floor, memory).map(Step::Found)
            }
            Self::Hash if memory.reached.covers(Look::Hash, at) => None,
            Self::Hash => {
                let (span, reached) = files::hash(text, at);
                memory.reached.remember(Look::Hash, at, reached);
                secret(span?, "password-hash")
            }
            Self::Inserted if memory.reached.covers(Look::Statement, at) => None,
            Self::Inserted => {
                let (found, reached) = statements::inserted(text, at);
                memory.reached.remember(Look::Statement, at, reached);
                first(text, found, floor, memory).map(Step::Found)
            }
            Self::Pgpass => files::pgpass(text, at).and_then(|span| secret(span, "password")),
            Self::IdentifiedBy => {
                let span = files::identified_by(text, at + "TIFIED".len())?;
                secret(span, "password")
            }
        }
    }
}

/// The name around a service's name, if it announces nothing else.
fn name_of_service(text: &[u8], at: usize, service: &str, known: &mut KnownNames) -> Option<Name> {
    let length = service.len();
    // An anchor is compared no further than its first bytes.
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
    let kind = services::kind_of(name.of(text), from, from + length)?;
    // `BITRISE_PAT`: what the name says beside the service says more.
    let told = name.kind.filter(|kind| *kind != keys::Kind::Hint);
    Some(Name {
        kind: told.or(Some(kind)),
        ..name
    })
}

/// A secret under a name around `at`, in whichever notation.
fn named(text: &[u8], at: usize, name: Name, floor: usize, memory: &mut Memory) -> Option<Finding> {
    // `key`, `auth`, `login`
    let may_be_of_pair = matches!(name.of(text), [.., b'y' | b'h' | b'H' | b'n' | b'N']);
    if may_be_of_pair
        && name.kind.is_none_or(|kind| kind == keys::Kind::Hint)
        && let Some((start, end)) = files::kaggle(text, name)
            .or_else(|| files::basic(text, name))
            .or_else(|| calls::second_of_pair(text, name))
    {
        let kind = keys::Kind::Secret;
        return finding(text, Assigned { start, end, kind }, floor);
    }
    name.kind?;
    if let Some((start, end)) = calls::typed(text, name) {
        let kind = keys::Kind::Password;
        return finding(text, Assigned { start, end, kind }, floor);
    }
    if !memory.reached.covers(Look::Value, at) {
        let (assigned, reached) = assignment::read(text, name);
        if let Some(assigned) = assigned {
            return finding(text, assigned, floor);
        }
        memory.reached.remember(Look::Value, at, reached);
    }
    if let Some(assigned) = beside(text, name) {
        return finding(text, assigned, floor);
    }
    // Nothing else has one of these after a name.
    if matches!(text.get(name.end), Some(b'=' | b'(')) {
        return None;
    }
    if let Some(assigned) = blocks::read(text, name)
        .or_else(|| tables::row(text, name))
        .or_else(|| pairs::read(text, name))
    {
        return finding(text, assigned, floor);
    }
    // A field and the cell of a table end with the name.
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
            if let Some(finding) = first(text, found, floor, memory) {
                return Some(finding);
            }
        }
    }
    None
}

/// What a machine made right after a name and a comma, in quotes or not: `apiToken,…`.
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

fn finding(text: &[u8], assigned: Assigned, floor: usize) -> Option<Finding> {
    let id = format_of(&text[assigned.start..assigned.end]).unwrap_or(assigned.kind.id());
    (assigned.start >= floor).then_some(Finding {
        start: assigned.start,
        end: assigned.end,
        id,
    })
}

/// The first of several secrets; the others wait until the scan is there.
fn first(text: &[u8], found: Vec<Assigned>, floor: usize, memory: &mut Memory) -> Option<Finding> {
    let mut found = found.into_iter().filter_map(|it| finding(text, it, floor));
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
    // A password of a command before it is no program.
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

fn credential(
    text: &[u8],
    at: usize,
    id: &'static str,
    basic: bool,
) -> Option<(Span, &'static str)> {
    let word = if basic { "basic" } else { "bearer" }.len();
    let (start, end) =
        structures::scheme_credential(text, at + word, basic).filter(|_| starts_word(text, at))?;
    Some(((start, end), format_of(&text[start..end]).unwrap_or(id)))
}
