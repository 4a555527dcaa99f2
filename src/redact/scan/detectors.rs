//! The anchors that the scanner looks for, and the detector that each of them starts.

use std::sync::LazyLock;

use crate::redact::mark;
use crate::redact::names::keys::{self, Kind};
use crate::redact::rules::matching::rule_at;
use crate::redact::rules::{self, Anchor, Rule};
use crate::redact::services;
use crate::redact::syntax::calls;
use crate::redact::syntax::commands::{self, Called};
use crate::redact::syntax::devices;
use crate::redact::syntax::dialogues;
use crate::redact::syntax::files;
use crate::redact::syntax::pairs;
use crate::redact::syntax::prose;
use crate::redact::syntax::statements;
use crate::redact::syntax::structures::Span;
use crate::redact::text::anchors::{Anchors, spellings};
use crate::redact::text::format::Part;

/// Every anchor, with its detector.
pub(crate) static ANCHORS: LazyLock<Anchors<Detector>> = LazyLock::new(|| Anchors::new(anchors()));

/// Finds the secret near the position after an announcement.
pub(crate) type Reader = fn(&[u8], usize) -> Option<Span>;

/// Search that an anchor starts.
#[derive(Clone, Copy)]
pub(crate) enum Detector {
    /// A mark of a secret that is redacted already.
    Mark,
    Rule(&'static Rule),
    /// A secret known by its form.
    Form(Form),
    /// A sensitive name, with the length of the anchor in bytes.
    Assignment {
        length: usize,
    },
    /// The name of a service, for values without a known format.
    Service(&'static str),
    Command(Called),
    /// A command that reads a password from its standard input.
    Reader(&'static str),
    KubernetesSecret,
    /// The rows of an SQL statement.
    Inserted,
    /// A call whose argument of this index is a secret.
    Call(&'static str, usize),
    /// Text that announces a secret behind or around it, the function that finds it, and its id.
    Around(&'static str, Reader, &'static str),
}

/// Form of a secret that is recognised without a name.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    Bearer,
    Basic,
    Url,
    PrivateKey,
    PrivateKeyTail,
    Hash,
    Pgpass,
    IdentifiedBy,
}

/// All anchors with their detectors.
fn anchors() -> Vec<(Vec<u8>, Detector)> {
    let mut anchors = vec![(mark::ANCHOR.into(), Detector::Mark)];
    anchors.extend(rules::all().flat_map(of_rule));
    anchors.extend(of_names());
    anchors.extend(of_commands());
    let hashes = files::HASHES.iter();
    anchors.extend(hashes.map(|it| ((*it).into(), Detector::Form(Form::Hash))));
    let passwords = files::PGPASS.iter();
    anchors.extend(passwords.map(|it| ((*it).into(), Detector::Form(Form::Pgpass))));
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

/// The anchors of a rule: the beginning of the secret, or the names near it.
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

/// The anchors of names: of services, and of values that are secrets.
fn of_names() -> Vec<(Vec<u8>, Detector)> {
    let services = services::anchors().into_iter();
    let services = services.map(|(text, name)| (text, Detector::Service(name)));
    let words = keys::ANCHORS
        .iter()
        .map(|it| (*it, Detector::Assignment { length: it.len() }));
    let short = keys::SHORT_ANCHORS.iter().map(|(name, length)| {
        let detector = Detector::Assignment { length: *length };
        ((*name).into(), detector)
    });
    let words = words
        .flat_map(|(name, detector)| spellings(name).into_iter().map(move |it| (it, detector)));
    services.chain(words).chain(short).collect()
}

/// The anchors of commands and SQL statements.
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

/// Anchors of secrets that are recognised by their form.
const STRUCTURES: &[(&str, Detector)] = &[
    ("Bearer ", Detector::Form(Form::Bearer)),
    ("bearer ", Detector::Form(Form::Bearer)),
    ("Basic ", Detector::Form(Form::Basic)),
    ("basic ", Detector::Form(Form::Basic)),
    ("://", Detector::Form(Form::Url)),
    ("-----BEGIN", Detector::Form(Form::PrivateKey)),
    ("-----END", Detector::Form(Form::PrivateKeyTail)),
    ("Secret", Detector::KubernetesSecret),
    ("TIFIED", Detector::Form(Form::IdentifiedBy)),
    ("tified by", Detector::Form(Form::IdentifiedBy)),
];

/// Announcements of a secret behind or around them, the function that finds it, and its id.
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

/// A prefix; if it is too short for the filter, one for each byte that may follow it.
fn lengthened(prefix: &str, body: &[Part]) -> Vec<Vec<u8>> {
    match body.first() {
        Some(Part::Run { class, .. }) if prefix.len() < Anchors::<Detector>::SHORTEST => class
            .members()
            .map(|byte| [prefix.as_bytes(), &[byte]].concat())
            .collect(),
        _ => vec![prefix.into()],
    }
}

/// The id of a known format that covers exactly this value.
pub(crate) fn format_of(value: &[u8]) -> Option<&'static str> {
    ANCHORS
        .beginning(value)
        .filter_map(|detector| match detector {
            Detector::Rule(rule) if !matches!(rule.anchor, Anchor::Near(_)) => {
                rule_at(rule, value, 0, 0).ok()
            }
            _ => None,
        })
        .find(|it| it.start == 0 && it.end == value.len())
        .map(|it| it.id)
}
