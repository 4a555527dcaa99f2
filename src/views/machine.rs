//! The state of this machine, as `status` and `doctor` show it.
//!
//! An unreadable part is a [`Trouble`]; the others are still there.

use std::fs;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use super::{OtherAgent, Received, Trouble};
use crate::config::{ApiKey, Config, Hooks, Problem};
use crate::consent::{self, Caller, Environment, Stopped, Trust, Unconfirmed};
use crate::host::Host;
use crate::integrations::claude_code::in_force::{InForce, Scope, SettingsFile};
use crate::integrations::claude_code::marketplace::{self, Unloadable};
use crate::integrations::claude_code::plugin::{self, Plugin};
use crate::outbox::{
    Destination, Exclusion, Exclusions, Outbox, OutboxError, Run, RunKind, SessionStatus, Status,
};
use crate::posthog::links;
use crate::session::Agent;
use crate::sources::{self, claude_code};
use crate::transport::Endpoint;
use crate::variables::Variable;

/// Resolution of modification times: file systems keep them in steps of up to two seconds.
const TIME_STEP: TimeDelta = TimeDelta::seconds(2);

/// Settings, agents and outbox of this machine, at one moment.
pub(crate) struct Machine {
    /// The machine as the hooks of Claude Code see it.
    pub(crate) host: Host,
    /// The environment, with the decisions of consent.
    pub(crate) environment: Environment,
    /// Claude Code's settings files.
    pub(crate) settings: InForce,
    /// The settings of this program.
    pub(crate) config: Config,
    /// Settings that cannot be used.
    pub(crate) problems: Vec<Problem>,
    /// The destinations that the user confirmed.
    pub(crate) trust: Result<Trust, Trouble>,
    /// Success if events can be stored, or the reason why not.
    pub(crate) state: Result<(), Trouble>,
    /// The outbox; `None` when there is none yet.
    pub(crate) outbox: Result<Option<Outbox>, Trouble>,
    /// The content of the outbox; empty if it cannot be read.
    pub(crate) status: Status,
    /// The receiver of `serve`; `None` when nothing was ever received.
    pub(crate) received: Option<Received>,
    /// Sessions that the user excluded.
    pub(crate) excluded: Result<Vec<Exclusion>, Trouble>,
    /// The plugin of Claude Code, or why the list of plugins cannot be read.
    pub(crate) plugin: Result<Option<Plugin>, String>,
    /// Whether Claude Code can load the plugin, installed or not.
    loadable: Result<(), Unloadable>,
    /// The agents besides Claude Code.
    pub(crate) others: Vec<OtherAgent>,
}

/// Whether the hooks of Claude Code send sessions from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch<'a> {
    /// Yes, by this settings file; `None` is the environment.
    On(Option<&'a Path>),
    /// Yes, by a key among the plugin's options, which only hooks see: commands in a terminal
    /// cannot send. Known from the runs of hooks.
    OnByPlugin,
    /// No: nothing may be read or sent.
    Stopped(&'a Stopped),
    /// No: there is no place to keep events.
    NoStateDirectory,
    /// No: it is switched on, and there is no key.
    NoKey,
    /// No: this settings file switches it off.
    OffBy(&'a Path),
    /// No: nothing switches it on. With the plugin installed, a key among its options may.
    Off { has_plugin: bool },
}

impl Machine {
    pub(crate) fn gather(host: &Host) -> Self {
        let others = OtherAgent::all(host);
        let settings = InForce::read(host);
        let environment = Environment::of(host, Caller::Onlooker);
        let (config, problems) = Config::read(&environment);
        let host = environment.host.clone();
        let state_dir = config.state_dir.as_deref();
        let (outbox, status) = outbox(state_dir);
        let state = state_dir.map_or(Ok(()), Outbox::check_writable);
        let excluded = state_dir.map(|directory| Exclusions::of(directory).all());
        Self {
            trust: Trust::of_user(&host).map_err(Trouble::from),
            state: state.map_err(Trouble::from),
            received: state_dir.and_then(Received::of),
            excluded: excluded
                .unwrap_or_else(|| Ok(Vec::new()))
                .map_err(Trouble::from),
            plugin: Plugin::installed(&host),
            loadable: marketplace::check_loadable(&host),
            host,
            environment,
            settings,
            config,
            problems,
            outbox,
            status,
            others,
        }
    }

    /// Whether Claude Code is used here: it has sessions, or no other agent has.
    pub(crate) fn uses_claude_code(&self) -> bool {
        let folder = sources::folder(Agent::ClaudeCode, &self.host);
        let is_alone = self.others.is_empty() && self.received.is_none();
        is_alone
            || folder.is_some_and(|folder| folder.is_dir())
            || claude_code::cowork_dirs(&self.host)
                .found
                .iter()
                .any(|it| it.is_dir())
    }

    /// Whether the hooks of Claude Code send sessions from here.
    pub(crate) fn switch(&self) -> Switch<'_> {
        let by = self.environment.decider(Variable::CcEnabled);
        let by = by.map(|file| file.path.as_path());
        let hooks = self.config.of(Agent::ClaudeCode).hooks;
        let has_key = self.config.destination.has_key();
        if let Some(stopped) = &self.environment.stopped {
            return Switch::Stopped(stopped);
        }
        if self.config.state_dir.is_none() {
            return Switch::NoStateDirectory;
        }
        match (hooks, by) {
            (Hooks::On, by) if has_key => Switch::On(by),
            (Hooks::Off, Some(by)) => Switch::OffBy(by),
            _ if self.has_run_unseen() => Switch::OnByPlugin,
            (Hooks::On, _) => Switch::NoKey,
            (Hooks::Off, None) => Switch::Off {
                has_plugin: matches!(self.plugin, Ok(Some(_))),
            },
        }
    }

    /// Whether the hooks of Claude Code send sessions from here.
    pub(crate) fn is_on(&self) -> bool {
        matches!(self.switch(), Switch::On(_) | Switch::OnByPlugin)
    }

    /// Whether the hooks of any agent send sessions from here.
    pub(crate) fn sends(&self) -> bool {
        let others = self.others.iter().any(OtherAgent::is_on);
        others || (self.uses_claude_code() && self.is_on())
    }

    /// Runs the command for the key, if the settings name one. It is not run by default, since it
    /// may ask the user.
    pub(crate) fn ask_for_key(&mut self) {
        if let Err(problem) = self.config.ask_for_key(&self.host) {
            self.problems.push(problem);
        }
    }

    /// Whether a destination is that of the settings. If the key comes from a command that has not
    /// run, only the hosts are compared.
    pub(crate) fn is_own(&self, destination: &Destination) -> bool {
        let own = &self.config.destination;
        let host = own.endpoint.as_ref().map(Endpoint::base);
        let key = own.api_key.as_ref().map(ApiKey::secret);
        host == Some(&destination.host) && key.is_none_or(|key| key == destination.api_key)
    }

    /// The destination that the settings name; `None` also if the key comes from a command that has
    /// not run.
    pub(crate) fn destination(&self) -> Option<Destination> {
        self.config.destination.complete()
    }

    /// The page of a session's trace in PostHog; `None` unless events of it were acknowledged and
    /// it has one trace. The address is that of the project it was sent to, whatever the settings
    /// name now.
    pub(crate) fn page(&self, session: &SessionStatus) -> Option<String> {
        let outbox = self.outbox.as_ref().ok()?.as_ref()?;
        let host = outbox.recipient(&session.agent, &session.id).ok()??;
        let record = outbox.session(&session.agent, &session.id).ok()??;
        let endpoint = Endpoint::parse(&host).ok()?;
        links::session(&endpoint, &record.frozen().ok()?, &session.id)
    }

    /// Whether a process waits for destinations in trouble, and sends their events when they are
    /// due.
    pub(crate) fn is_waited_for(&self) -> bool {
        let outbox = self.outbox.as_ref().ok().and_then(Option::as_ref);
        outbox.is_some_and(Outbox::is_waited_for)
    }

    /// The confirmation that a destination still needs before events go there.
    pub(crate) fn missing(&self, destination: &Destination) -> Option<Unconfirmed> {
        self.trust.as_ref().ok()?.missing(destination)
    }

    /// The confirmation that the destination of the settings still needs.
    pub(crate) fn unconfirmed(&self) -> Option<Unconfirmed> {
        let own = &self.config.destination;
        // A host is confirmed for all keys.
        let by_host = || {
            let is_users = own.has_key() && own.chosen_by.is_none();
            Some(Destination {
                host: own
                    .endpoint
                    .as_ref()
                    .filter(|_| is_users)?
                    .base()
                    .to_owned(),
                api_key: String::new(),
                committed_by: None,
            })
        };
        self.missing(&self.destination().or_else(by_host)?)
    }

    /// Why sessions of the project in the current folder are not sent.
    pub(crate) fn left_alone(&self) -> Option<String> {
        consent::opted_out(self.host.cwd.as_ref()?, &self.host)
    }

    /// The settings file with a hook that calls this program without the plugin.
    pub(crate) fn own_hook(&self) -> Option<&SettingsFile> {
        plugin::own_hook(&self.settings)
    }

    /// Why Claude Code does not load the plugin; `None` when it does, or needs none.
    pub(crate) fn unloadable(&self) -> Option<&Unloadable> {
        let is_needed = matches!(self.plugin, Ok(Some(_))) && self.own_hook().is_none();
        self.loadable.as_ref().err().filter(|_| is_needed)
    }

    /// Unusable files that prevent storing or sending, each with the name of its content.
    pub(crate) fn troubles(&self) -> Vec<(&'static str, &Trouble)> {
        let state = match &self.outbox {
            // Both are about the same directory.
            Err(outbox) => Some(("outbox", outbox)),
            Ok(_) => self.state.as_ref().err().map(|state| ("state", state)),
        };
        let trust = self.trust.as_ref().err().map(|trust| ("trust", trust));
        let excluded = self.excluded.as_ref().err().map(|it| ("excluded", it));
        [state, trust, excluded].into_iter().flatten().collect()
    }

    /// The number of waiting events, for all destinations.
    pub(crate) fn waiting(&self) -> u64 {
        let destinations = self.status.destinations.iter();
        destinations.map(|queue| queue.waiting).sum()
    }

    /// The runs that show whether sending works, the newest first; see [`telling`].
    pub(crate) fn telling_runs(&self) -> Vec<&Run> {
        telling(&self.status.runs.iter().collect::<Vec<_>>())
    }

    /// The runs of Claude Code's hooks that show whether sending works, the newest first.
    pub(crate) fn telling_hooks(&self) -> Vec<&Run> {
        let hooks = self.status.runs.iter().filter(|run| is_hook(run));
        telling(&hooks.collect::<Vec<_>>())
    }

    /// Whether the plugin's hooks have run since the settings changed, although no visible setting
    /// switches them on.
    fn has_run_unseen(&self) -> bool {
        let Ok(Some(plugin)) = &self.plugin else {
            return false;
        };
        let user = self.settings.files.iter();
        let user = user.filter(|file| file.scope == Scope::User);
        let since = changed(user.map(|file| file.path.as_path()));
        let since = since.chain(plugin.installed_at).max();
        let mut runs = self.status.runs.iter();
        !self.config.destination.names_key
            && runs.any(|run| is_hook(run) && since.is_none_or(|since| run.at - since > TIME_STEP))
    }
}

/// The outbox and its content.
fn outbox(state_dir: Option<&Path>) -> (Result<Option<Outbox>, Trouble>, Status) {
    let Some(directory) = state_dir else {
        return (Ok(None), Status::default());
    };
    let read = || {
        let outbox = Outbox::open_read_only(directory)?;
        let status = outbox.as_ref().map(Outbox::status).transpose()?;
        Ok::<_, OutboxError>((outbox, status.unwrap_or_default()))
    };
    match read() {
        Ok((outbox, status)) => (Ok(outbox), status),
        Err(error) => (Err(Trouble::from(error)), Status::default()),
    }
}

/// When these files were last written to.
pub(crate) fn changed<'a>(
    files: impl Iterator<Item = &'a Path>,
) -> impl Iterator<Item = DateTime<Utc>> {
    files.filter_map(|file| {
        let changed = fs::metadata(file).and_then(|meta| meta.modified());
        changed.ok().map(DateTime::<Utc>::from)
    })
}

/// Whether a hook of Claude Code caused a run.
const fn is_hook(run: &Run) -> bool {
    matches!(run.kind, RunKind::SessionStart | RunKind::SessionEnd)
}

/// The runs that show whether sending works: the newest one that was not a sweep at a session
/// start. The newest sweep is added if it failed, or if there is no other run. `runs` begins with
/// the newest.
fn telling<'a>(runs: &[&'a Run]) -> Vec<&'a Run> {
    let newest = runs.first().copied();
    let last = runs
        .iter()
        .copied()
        .find(|run| run.kind != RunKind::SessionStart);
    let Some(last) = last else {
        return Vec::from_iter(newest);
    };
    let failed = newest.filter(|run| run.kind == RunKind::SessionStart && run.error.is_some());
    failed.into_iter().chain([last]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_start_does_not_hide_the_last_session_end() {
        let run = |kind: &RunKind, error: Option<&str>| Run {
            at: Utc::now(),
            kind: kind.clone(),
            session: None,
            duration_ms: 1,
            sent: 0,
            error: error.map(str::to_owned),
            warnings: Vec::new(),
        };
        let start = run(&RunKind::SessionStart, None);
        let failed = run(&RunKind::SessionStart, Some("no network"));
        let end = run(&RunKind::SessionEnd, None);
        let flush = run(&RunKind::Flush, None);
        for (runs, expected) in [
            (vec![], vec![]),
            (vec![&start], vec![&start]),
            (vec![&start, &end], vec![&end]),
            (vec![&start, &flush, &end], vec![&flush]),
            (vec![&failed, &end], vec![&failed, &end]),
            (vec![&start, &failed, &end], vec![&end]),
            (vec![&end, &failed], vec![&end]),
        ] {
            assert_eq!(telling(&runs), expected, "{runs:?}");
        }
    }
}
