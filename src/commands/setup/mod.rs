//! `posthog-llma setup`: asks for destination and key, sends a test trace, and writes Claude Code's
//! settings.

mod answers;
mod offers;
mod openrouter;
mod place;
mod purge;
mod remove;
mod trial;

use anyhow::Context;
use uuid::Uuid;

use super::{Exit, WrongUse, refuse_inside_agent, sending, words};
use crate::cli;
use crate::consent;
use crate::host::Host;
use crate::integrations;
use crate::integrations::claude_code::in_force::InForce;
use crate::integrations::claude_code::plugin::{self, Plugin};
use crate::integrations::claude_code::settings::edit::SettingsFile;
use crate::interrupt::Interrupt;
use crate::posthog::{TEST_TRACE, links};
use crate::session::Agent;
use crate::ui;
use crate::variables::Variable;
use crate::views::Machine;
use answers::Answers;
use place::Place;

/// The variables for the key. Setup writes one of them and removes the others, which could take its
/// place.
const KEYS: [Variable; 3] = [
    Variable::ApiKey,
    Variable::ApiKeyFile,
    Variable::ApiKeyCommand,
];
/// The other variables that setup always writes.
const HOST: &str = "POSTHOG_HOST";
const ENABLED: &str = "POSTHOG_LLMA_CC_ENABLED";
/// Variable written if the user chose privacy mode. `--remove` leaves it, since it only holds
/// content back.
const PRIVACY: &str = "POSTHOG_LLMA_PRIVACY_MODE";

/// Ctrl-C stopped setup before anything was saved.
#[derive(Debug, thiserror::Error)]
#[error("stopped: nothing was saved")]
struct Stopped;

pub(super) fn run(arguments: &cli::Setup, host: &Host) -> anyhow::Result<Exit> {
    refuse_inside_agent(&in_words(arguments), host)?;
    if arguments.openrouter {
        return openrouter::run(arguments.url.as_deref(), host);
    }
    let place = Place::find(arguments.project, host)?;
    // Checked before anything is asked or sent: whether the file can be changed.
    let file = SettingsFile::open(&place.file)?;
    if arguments.remove {
        remove::run(&place, &file, arguments.purge, host)?;
        if arguments.purge {
            purge::run(&place, host)?;
        }
        return Ok(Exit::Done);
    }
    if let Some(objection) = place.objection(host) {
        return Err(WrongUse(objection).into());
    }
    file.check_room()?;
    match set_up(arguments, &place, host) {
        Err(error) if error.is::<Stopped>() || error.is::<offers::StoppedLater>() => {
            say(&error.to_string());
            Ok(Exit::Stopped)
        }
        exit => exit,
    }
}

/// The command for the user to type; never with the key.
fn in_words(arguments: &cli::Setup) -> String {
    let flags = [
        (arguments.project, " --project"),
        (arguments.remove, " --remove"),
        (arguments.purge, " --purge"),
        (arguments.openrouter, " --openrouter"),
    ];
    let given = flags.into_iter().filter(|(is_given, _)| *is_given);
    given.fold("setup".to_owned(), |words, (_, flag)| words + flag)
}

fn set_up(arguments: &cli::Setup, place: &Place, host: &Host) -> anyhow::Result<Exit> {
    let mut answers = Answers::collect(arguments, host)?;
    // From here on, Ctrl-C stops the test trace but lets a write finish.
    let interrupt = Interrupt::watch().context("cannot take note of Ctrl-C")?;
    let test = loop {
        let failure = match trial::send(&answers, host, &interrupt)? {
            Ok(trace) => break trace,
            Err(failure) => failure,
        };
        say(&format!(
            "the test trace did not get there: {}",
            failure.reason
        ));
        if !answers.ask_again(failure.question)? {
            let path = words::path(&place.file, host);
            say(&format!("nothing was saved: {path} is as it was"));
            return Ok(Exit::Incomplete);
        }
    };
    if interrupt.is_set() {
        return Err(Stopped.into());
    }
    confirm_host(&answers, host)?;
    save(&answers, place, host)?;
    let outcome = if place.is_project {
        what_now(place, host);
        offers::Outcome::NONE
    } else {
        let outcome = offers::make(arguments, &interrupt, host)?;
        what_now(place, host);
        outcome
    };
    first_trace(&answers, test, outcome.has_sent, host);
    Ok(outcome.exit)
}

/// Writes the answers.
fn save(answers: &Answers, place: &Place, host: &Host) -> anyhow::Result<()> {
    let (key, value) = answers.key_variable();
    let mut variables = vec![
        (key.name(), value),
        (HOST, answers.endpoint().base()),
        (ENABLED, "true"),
    ];
    match answers.is_private {
        Some(true) => variables.push((PRIVACY, "true")),
        Some(false) if SettingsFile::open(&place.file)?.sets(PRIVACY) => {
            variables.push((PRIVACY, "false"));
        }
        Some(false) | None => {}
    }
    write(place, &variables, host)?;
    for warning in place.warnings(&variables, host) {
        say(&format!("but {warning}"));
    }
    Ok(())
}

/// Prints the page of the first trace in PostHog: that of the newest past session if any was sent,
/// or else that of the test.
fn first_trace(answers: &Answers, test: Uuid, has_sent: bool, host: &Host) {
    let machine = has_sent.then(|| Machine::gather(host));
    let page = machine.as_ref().and_then(|machine| {
        let session = machine.status.sessions.first()?;
        machine.page(session)
    });
    if let Some(page) = page {
        return say(&format!("the newest session in PostHog: {page}"));
    }
    let page = links::trace(answers.endpoint(), &test.to_string());
    say(&format!(
        "to see for yourself, open the trace \"{TEST_TRACE}\": {page}"
    ));
}

/// The user has just typed the host in a terminal, which confirms it.
fn confirm_host(answers: &Answers, host: &Host) -> anyhow::Result<()> {
    let endpoint = answers.endpoint();
    if !endpoint.is_posthog_cloud() && !endpoint.is_loopback() {
        sending::own_trust(host)?.confirm_host(endpoint)?;
        say(&format!("sessions may go to {}", endpoint.base()));
    }
    Ok(())
}

fn write(place: &Place, variables: &[(&str, &str)], host: &Host) -> anyhow::Result<()> {
    let path = words::path(&place.file, host);
    // Read again: Claude Code may have changed the file meanwhile.
    let file = SettingsFile::open(&place.file)?;
    let others: Vec<&str> = KEYS
        .iter()
        .map(|it| it.name())
        .filter(|name| variables.iter().all(|(written, _)| written != name))
        .collect();
    let Some(text) = file.with(variables, &others) else {
        say(&format!("{path} said so already"));
        return Ok(());
    };
    let copy = file.back_up(host.now())?;
    file.save(&text)?;
    let names: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
    say(&format!("wrote {} to {path}", words::list(&names)));
    if let Some(copy) = copy {
        let copy = words::path(&copy, host);
        say(&format!("as it was before: {copy}"));
    }
    Ok(())
}

/// Prints the effect of the settings, and remaining obstacles to sending.
fn what_now(place: &Place, host: &Host) {
    let here = if place.is_project {
        " in this project"
    } else {
        ""
    };
    if is_called(host) {
        say(&format!(
            "sessions that you start{here} from now on are sent when they end; \
             posthog-llma status shows it, posthog-llma ingest sends earlier ones"
        ));
    } else if place.is_project {
        say("Claude Code does not call this program yet:");
        for line in integrations::install_commands(Agent::ClaudeCode) {
            ui::say(format_args!("  {line}"));
        }
    }
    let cwd = host.cwd.as_ref();
    if let Some(reason) = cwd.and_then(|cwd| consent::opted_out(cwd, host)) {
        say(&format!("but not those of this folder: {reason}"));
    }
}

/// Whether a hook calls this program.
fn is_called(host: &Host) -> bool {
    let has_plugin = matches!(Plugin::installed(host), Ok(Some(_)));
    has_plugin || plugin::own_hook(&InForce::read(host)).is_some()
}

/// Prints a message in lines that fit a terminal.
fn say(text: &str) {
    ui::say(words::entry("", 0, text));
}
