//! Facts about the inbox, for `status` and `doctor`.

use std::time::SystemTime;

use rusqlite::params;

use super::error::InboxError;
use super::facts::{Fact, Tally};
use super::key::Route;
use super::prune;
use super::read::Reader;
use super::time::from_millis;

/// Contents of the inbox, and counts of arrivals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Arrivals by service and route, the newest first.
    pub services: Vec<ServiceStatus>,
    /// Traces that wait to be mapped.
    pub waiting: Holding,
    /// Number of traces that wait, by route.
    pub waiting_by_route: Vec<(Route, u64)>,
    /// Traces that were mapped and are kept for inspection.
    pub mapped: Holding,
    /// Counts of occurrences.
    pub tallies: Vec<Tally>,
    /// Bytes in use in the database.
    pub bytes: u64,
}

/// Arrivals from one service by one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStatus {
    /// The route.
    pub route: Route,
    /// Name of the service; empty when it has none.
    pub service: String,
    /// Number of requests.
    pub deliveries: u64,
    /// Number of spans, repeated ones included.
    pub spans: u64,
    /// Number of log records, repeated ones included.
    pub logs: u64,
    /// When the service sent something last.
    pub last_at: SystemTime,
}

/// Traces in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holding {
    /// Their number.
    pub traces: u64,
    /// Number of their spans.
    pub spans: u64,
    /// Number of their log records.
    pub logs: u64,
    /// When the trace that has been silent longest received something last.
    pub oldest: Option<SystemTime>,
}

impl Status {
    /// Number of occurrences of a fact, over all names.
    #[must_use]
    pub fn count(&self, fact: Fact) -> u64 {
        let tallies = self.tallies.iter().filter(|it| it.fact == fact);
        tallies.map(|it| it.count).sum()
    }

    /// Time of the last occurrence of a fact, over all names.
    #[must_use]
    pub fn last_at(&self, fact: Fact) -> Option<SystemTime> {
        let tallies = self.tallies.iter().filter(|it| it.fact == fact);
        tallies.map(|it| it.last_at).max()
    }
}

impl Reader {
    /// Reads the state of the inbox. Counts of the last seconds may be missing.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn status(&self) -> Result<Status, InboxError> {
        let read = || {
            Ok(Status {
                services: self.services()?,
                waiting: self.holding(true)?,
                waiting_by_route: self.waiting_by_route()?,
                mapped: self.holding(false)?,
                tallies: self.tallies()?,
                bytes: prune::used(&self.connection)?,
            })
        };
        read().map_err(|error| self.located(error))
    }

    fn services(&self) -> rusqlite::Result<Vec<ServiceStatus>> {
        let mut select = self.connection.prepare_cached(
            "SELECT route, service, deliveries, spans, logs, last_at FROM services
             ORDER BY last_at DESC, route, service",
        )?;
        let services = select.query_map([], |row| {
            Ok(ServiceStatus {
                route: Route::new(&row.get::<_, String>(0)?),
                service: row.get(1)?,
                deliveries: row.get(2)?,
                spans: row.get(3)?,
                logs: row.get(4)?,
                last_at: from_millis(row.get(5)?),
            })
        })?;
        services.collect()
    }

    fn holding(&self, is_waiting: bool) -> rusqlite::Result<Holding> {
        let mut select = self.connection.prepare_cached(
            "SELECT count(*), coalesce(sum(spans), 0), coalesce(sum(logs), 0), min(last_received)
             FROM traces WHERE is_waiting = ?1",
        )?;
        select.query_row(params![is_waiting], |row| {
            Ok(Holding {
                traces: row.get(0)?,
                spans: row.get(1)?,
                logs: row.get(2)?,
                oldest: row.get::<_, Option<i64>>(3)?.map(from_millis),
            })
        })
    }

    fn waiting_by_route(&self) -> rusqlite::Result<Vec<(Route, u64)>> {
        let mut select = self.connection.prepare_cached(
            "SELECT route, count(*) FROM traces WHERE is_waiting = 1 GROUP BY route ORDER BY route",
        )?;
        let routes = select.query_map([], |row| {
            Ok((Route::new(&row.get::<_, String>(0)?), row.get(1)?))
        })?;
        routes.collect()
    }

    fn tallies(&self) -> rusqlite::Result<Vec<Tally>> {
        let mut select = self
            .connection
            .prepare_cached("SELECT fact, name, count, last_at FROM tallies ORDER BY fact, name")?;
        let tallies = select.query_map([], |row| {
            let fact: String = row.get(0)?;
            Ok(Fact::of_name(&fact).map(|fact| (fact, row.get(1), row.get(2), row.get(3))))
        })?;
        let mut known = Vec::new();
        for tally in tallies {
            if let Some((fact, name, count, last_at)) = tally? {
                known.push(Tally {
                    fact,
                    name: name?,
                    count: count?,
                    last_at: from_millis(last_at?),
                });
            }
        }
        Ok(known)
    }
}
