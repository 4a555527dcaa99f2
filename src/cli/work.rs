//! `posthog-llma work`: the detached half of a hook, as one process passes it to another.
//!
//! Only this program starts it, from the same executable, so that parser and
//! [`Work::to_arguments`] stand together and change together.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};

use crate::session::{Agent, SessionState};

/// Name of the verb.
const VERB: &str = "work";

/// Arguments of `work`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Work {
    /// Judgement of the environment by the hook that starts this process, as JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) judged: String,
    /// The work for which the hook that starts this process waits
    #[arg(long, default_value = "nothing")]
    pub(crate) wait: Wait,
    /// Longest time for which that hook waits, in milliseconds from now on
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    pub(crate) patience: u64,
    /// The work to do before all waiting events are sent
    #[command(subcommand)]
    pub(crate) task: Task,
}

/// The part of the work for which a hook waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Wait {
    /// It does not wait
    Nothing,
    /// That everything is sent, if that takes a moment: a person waits for the hook
    Briefly,
    /// That everything is sent
    Sent,
}

/// The work to do before all waiting events are sent.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Task {
    /// Store new events of a session
    Collect {
        /// The agent whose hook calls
        #[arg(long)]
        agent: Agent,
        /// The session's transcript
        #[arg(long)]
        transcript: PathBuf,
        /// Whether the session goes on
        #[arg(long)]
        progress: SessionState,
    },
    /// Log that the transcript of a session was not found
    Missing {
        /// The agent whose hook calls
        #[arg(long)]
        agent: Agent,
        /// The session's id
        #[arg(long)]
        session: String,
        /// Whether the session goes on
        #[arg(long)]
        progress: SessionState,
    },
    /// Store the sessions whose end was missed
    Sweep {
        /// The agent whose hook calls
        #[arg(long)]
        agent: Agent,
    },
    /// Store nothing, since the hook named no session
    Deliver {
        /// The agent whose hook calls
        #[arg(long)]
        agent: Agent,
    },
}

impl Work {
    /// The arguments that are parsed as this, the verb first. Every value is joined to its name, so
    /// that no value is taken for an option.
    pub(crate) fn to_arguments(&self) -> Vec<OsString> {
        let mut arguments = vec![
            OsString::from(VERB),
            option("judged", &self.judged),
            option("wait", self.wait.name()),
            option("patience", self.patience.to_string()),
            OsString::from(self.task.name()),
            option("agent", self.task.agent().as_str()),
        ];
        match &self.task {
            Task::Collect {
                transcript,
                progress,
                ..
            } => {
                arguments.push(option("transcript", transcript));
                arguments.push(option("progress", name_of(*progress)));
            }
            Task::Missing {
                session, progress, ..
            } => {
                arguments.push(option("session", session));
                arguments.push(option("progress", name_of(*progress)));
            }
            Task::Sweep { .. } | Task::Deliver { .. } => {}
        }
        arguments
    }
}

impl Wait {
    const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Briefly => "briefly",
            Self::Sent => "sent",
        }
    }
}

impl Task {
    /// The agent whose hook calls.
    pub(crate) const fn agent(&self) -> Agent {
        match self {
            Self::Collect { agent, .. }
            | Self::Missing { agent, .. }
            | Self::Sweep { agent }
            | Self::Deliver { agent } => *agent,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Collect { .. } => "collect",
            Self::Missing { .. } => "missing",
            Self::Sweep { .. } => "sweep",
            Self::Deliver { .. } => "deliver",
        }
    }
}

impl ValueEnum for SessionState {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Running, Self::Ended]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(name_of(*self)))
    }
}

const fn name_of(progress: SessionState) -> &'static str {
    match progress {
        SessionState::Running => "running",
        SessionState::Ended => "ended",
    }
}

fn option(name: &str, value: impl AsRef<OsStr>) -> OsString {
    let mut option = OsString::from(format!("--{name}="));
    option.push(value);
    option
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn arguments_are_parsed_as_what_they_were_written_from() {
        for agent in Agent::ALL {
            let waits = [Wait::Nothing, Wait::Briefly, Wait::Sent];
            for (task, wait) in tasks(agent).into_iter().zip(waits.into_iter().cycle()) {
                let work = Work {
                    judged: r#"{"rules":[{"path":"a b"}]}"#.to_owned(),
                    wait,
                    patience: 1_100,
                    task,
                };
                let typed = [OsString::from("posthog-llma")].into_iter();
                let parsed = Cli::try_parse_from(typed.chain(work.to_arguments())).unwrap();
                assert!(
                    matches!(&parsed.command, Some(Command::Work(parsed)) if *parsed == work),
                    "{work:?} became {parsed:?}"
                );
            }
        }
    }

    fn tasks(agent: Agent) -> Vec<Task> {
        let mut tasks = vec![Task::Sweep { agent }, Task::Deliver { agent }];
        for progress in [SessionState::Running, SessionState::Ended] {
            for session in ["4f2a8c11", "--agent", "", "two words=1"] {
                tasks.push(Task::Missing {
                    agent,
                    session: session.to_owned(),
                    progress,
                });
            }
            for transcript in paths() {
                tasks.push(Task::Collect {
                    agent,
                    transcript,
                    progress,
                });
            }
        }
        tasks
    }

    fn paths() -> Vec<PathBuf> {
        let mut paths = ["/home/ada/s-1.jsonl", "-x.jsonl", "/a=b/--c d.jsonl"].map(PathBuf::from);
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStringExt as _;
            paths[1] = OsString::from_vec(b"/home/\xff/s-1.jsonl".to_vec()).into();
        }
        paths.sort();
        paths.to_vec()
    }
}
