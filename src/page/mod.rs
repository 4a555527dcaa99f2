//! The local page: shows sessions of this machine to the person who started it, and sends nothing.
//!
//! ```text
//! request ─► door ─► service ─► files of ui/dist
//!            Host,              catalogue: list, numbers, prompts     ◄─ lister, readers
//!            token,             record: events of an opened session   ◄─ pipeline
//!            site               views: delivery of events              ◄─ outbox
//! ```
//!
//! # Promises
//!
//! - Only the person's own browser gets an answer (`door`). The server listens on loopback only.
//! - Every text of a session is redacted: events come from the pipeline that sends, byte for byte;
//!   titles and prompts pass the same rules.
//! - No named file is written, and nothing of a session is kept after the end.
//! - Sessions that are left alone are shown to their owner, and marked as such; sessions whose
//!   settings cannot be read are not shown.
//!
//! `ui/README.md` describes the answers.

mod answer;
mod catalogue;
mod contract;
mod delivery;
mod door;
mod events;
mod file;
mod files;
mod glanced;
mod head;
mod here;
mod line;
mod lister;
mod numbers;
mod owners;
mod question;
mod record;
mod service;
mod walk;

use std::net::TcpListener;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

pub(crate) use file::{OneFile, one_file};
pub(crate) use here::Scope;

use crate::config::Config;
use crate::host::Host;
use crate::server::{self, Bounds, Stop};
use catalogue::Catalogue;
use door::Door;
use here::Here;
use lister::Lister;
use service::Service;

/// Limits for the few connections of a browser.
const BOUNDS: Bounds = Bounds {
    head: 32 << 10,
    headers: 100,
    head_time: Duration::from_secs(65),
    connections: 100,
    workers: 16,
    stop_time: Duration::from_millis(200),
};

/// The page, before it is served.
pub(crate) struct Page {
    listener: TcpListener,
    service: Arc<Service>,
}

impl Page {
    /// Prepares to serve on a listener of loopback.
    ///
    /// # Errors
    /// When the outbox or redaction rules cannot be read.
    pub(crate) fn new(
        listener: TcpListener,
        config: &Config,
        host: &Host,
        scope: Scope,
    ) -> anyhow::Result<Self> {
        let door = Door::new(listener.local_addr()?)?;
        let here = Here::of(config, host, scope)?;
        let service = Arc::new(Service::new(door, here));
        Ok(Self { listener, service })
    }

    /// Why the redaction marks are valid for this run only, if they are.
    pub(crate) fn note(&self) -> Option<&str> {
        self.service.here.prospect.note.as_deref()
    }

    /// The address that opens the page.
    pub(crate) fn address(&self) -> String {
        self.service.address()
    }

    /// An address that opens the page once.
    pub(crate) fn address_for_once(&self) -> String {
        self.service.address_for_once()
    }

    /// Serves until `stop` is called.
    ///
    /// # Errors
    /// When the listener fails.
    pub(crate) fn serve(self, stop: &Stop) -> anyhow::Result<()> {
        let Self { listener, service } = self;
        let catalogue: &Catalogue = &service.catalogue;
        let here: &Here = &service.here;
        let readers = thread::available_parallelism().map_or(1, NonZero::get);
        let served = thread::scope(|scope| {
            scope.spawn(|| Lister::new(here, catalogue).run());
            for _ in 0..readers {
                scope.spawn(|| catalogue.read_sessions(here));
            }
            let served = server::serve(Arc::clone(&service), BOUNDS, vec![listener], stop);
            catalogue.end();
            served
        });
        served?;
        Ok(())
    }
}
