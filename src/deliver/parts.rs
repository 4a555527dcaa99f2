//! Splitting a load, when the stored request is too large or was refused.

use super::Sender;
use super::load::{Load, Parcel, halves};
use crate::outbox::OutboxError;
use crate::transport::Lane;

impl Sender<'_> {
    /// Shortens the events that are too large for the lane and sets aside those that stay too
    /// large: one of them would make the server refuse the whole batch.
    pub(super) fn fit(&mut self, load: Load, lane: Lane) -> Result<Load, OutboxError> {
        let limit = lane.max_event_bytes();
        if load.longest() <= limit {
            return Ok(load);
        }
        let mut fitting = Vec::new();
        for mut parcel in self.unpack(load)? {
            let size = parcel.event.body.len();
            if size > limit {
                match (self.policy.clip)(&parcel.event.body, limit) {
                    Some(body) if body.len() <= limit => parcel.event.body = body,
                    _ => {
                        let reason = format!("{size} bytes, the server takes {limit}");
                        self.park(&parcel, &reason)?;
                        continue;
                    }
                }
            }
            fitting.push(parcel);
        }
        Ok(Load::Events(fitting))
    }

    /// Splits a load into halves; the older half is sent first.
    pub(super) fn split(&mut self, load: Load, loads: &mut Vec<Load>) -> Result<(), OutboxError> {
        let [older, newer] = halves(self.unpack(load)?);
        loads.extend([newer, older]);
        Ok(())
    }

    /// The single events of a load that still wait.
    pub(super) fn unpack(&mut self, load: Load) -> Result<Vec<Parcel>, OutboxError> {
        let batches = match load {
            Load::Events(parcels) => return Ok(parcels),
            Load::Batches(batches) => batches,
        };
        let mut parcels = Vec::new();
        for batch in batches {
            match self.outbox.unpack(self.record.id, &batch)? {
                Ok(events) => parcels.extend(events.into_iter().map(|event| Parcel {
                    event,
                    clipped: false,
                })),
                Err(damaged) => self.set_aside(&damaged)?,
            }
        }
        Ok(parcels)
    }

    /// Halves events that were refused alone for their size.
    pub(super) fn shorten_all(
        &mut self,
        load: Load,
        loads: &mut Vec<Load>,
    ) -> Result<(), OutboxError> {
        for parcel in self.unpack(load)? {
            let shorter = self.shorten(parcel)?;
            loads.extend(shorter.map(|parcel| Load::Events(vec![parcel])));
        }
        Ok(())
    }

    /// Halves an event that was refused alone for its size; parks it the second time.
    fn shorten(&mut self, mut parcel: Parcel) -> Result<Option<Parcel>, OutboxError> {
        let size = parcel.event.body.len();
        let half = size / 2;
        match (self.policy.clip)(&parcel.event.body, half) {
            Some(body) if body.len() <= half && !parcel.clipped => {
                parcel.event.body = body;
                parcel.clipped = true;
                Ok(Some(parcel))
            }
            _ => {
                self.park(&parcel, &format!("refused with 413 at {size} bytes"))?;
                Ok(None)
            }
        }
    }
}
