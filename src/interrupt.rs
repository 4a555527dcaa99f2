//! Ctrl-C: the first asks for a clean stop, the second ends the process at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Exit code by which shells recognise a process ended by Ctrl-C.
pub const EXIT_CODE: u8 = 130;

/// Ctrl-Break, by which programs of Windows ask another to stop.
#[cfg(windows)]
pub(crate) const SIGBREAK: i32 = 21;

/// A flag that Ctrl-C sets.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Installs the signal handlers.
    ///
    /// # Errors
    /// When the operating system refuses them.
    pub fn watch() -> io::Result<Self> {
        let asked = Arc::default();
        // The order matters: the first signal finds the flag unset and sets it.
        flag::register_conditional_shutdown(SIGINT, EXIT_CODE.into(), Arc::clone(&asked))?;
        flag::register(SIGINT, Arc::clone(&asked))?;
        Ok(Self(asked))
    }

    /// Installs the signal handlers of a service, which is also stopped by SIGTERM, and on Windows
    /// by Ctrl-Break.
    ///
    /// # Errors
    /// When the operating system refuses them.
    pub fn watch_of_service() -> io::Result<Self> {
        let interrupt = Self::watch()?;
        flag::register(SIGTERM, Arc::clone(&interrupt.0))?;
        #[cfg(windows)]
        flag::register(SIGBREAK, Arc::clone(&interrupt.0))?;
        // Above a file size limit, writing then fails instead of ending the process.
        #[cfg(unix)]
        flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
        Ok(interrupt)
    }

    /// Whether the user pressed Ctrl-C, or the service was stopped.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
