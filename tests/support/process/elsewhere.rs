//! Processes of Windows and macOS.

use std::path::Path;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use super::Process;
use crate::support::env::PROGRAM;

impl Process {
    pub(super) fn of_program() -> Vec<Self> {
        let system = look(ProcessesToUpdate::All, ProcessRefreshKind::nothing());
        let name = Path::new(PROGRAM).file_name();
        let processes = system.processes().iter();
        let named = processes.filter(|(_, process)| Some(process.name()) == name);
        named.map(|(pid, _)| Self(pid.as_u32())).collect()
    }

    /// Kills the process at once.
    pub(crate) fn kill(self) {
        // A process that is gone needs no signal.
        self.with(ProcessRefreshKind::nothing(), sysinfo::Process::kill);
    }

    pub(crate) fn arguments(self) -> Vec<String> {
        let arguments = ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always);
        let arguments = self.with(arguments, |process| {
            let arguments = process.cmd().iter();
            arguments
                .map(|it| it.to_string_lossy().into_owned())
                .collect()
        });
        arguments.unwrap_or_default()
    }

    pub(crate) fn environment(self) -> Vec<String> {
        self.variables().unwrap_or_default()
    }

    /// Whether the process works with this state directory; `None` in the moment in which it begins
    /// or ends and shows nothing.
    pub(super) fn works_with(self, state: &Path) -> Option<bool> {
        // A process that has ended works with nothing.
        let Some(variables) = self.variables() else {
            return Some(false);
        };
        let wanted = format!("POSTHOG_LLMA_STATE_DIR={}", state.display());
        let is_wanted = |it: &String| it.eq_ignore_ascii_case(&wanted);
        (!variables.is_empty()).then(|| variables.iter().any(is_wanted))
    }

    fn variables(self) -> Option<Vec<String>> {
        let environment = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always);
        self.with(environment, |process| {
            let variables = process.environ().iter();
            variables
                .map(|it| it.to_string_lossy().into_owned())
                .collect()
        })
    }

    fn with<T>(self, what: ProcessRefreshKind, ask: impl Fn(&sysinfo::Process) -> T) -> Option<T> {
        let pid = Pid::from_u32(self.0);
        let system = look(ProcessesToUpdate::Some(&[pid]), what);
        system.process(pid).map(ask)
    }
}

fn look(which: ProcessesToUpdate<'_>, what: ProcessRefreshKind) -> System {
    let mut system = System::new();
    system.refresh_processes_specifics(which, true, what);
    system
}
