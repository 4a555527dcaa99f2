//! Ctrl-C: the first one asks for a clean stop, the second one ends the process at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

/// How shells see a process that Ctrl-C ended.
pub const EXIT_CODE: u8 = 130;

/// Whether the user asked for a stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes note of Ctrl-C from now on.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn watch() -> io::Result<Self> {
        let asked = Arc::default();
        // In this order: the first signal finds the flag unset and sets it.
        flag::register_conditional_shutdown(SIGINT, EXIT_CODE.into(), Arc::clone(&asked))?;
        flag::register(SIGINT, Arc::clone(&asked))?;
        Ok(Self(asked))
    }

    /// Whether it was asked for.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
