//! The states of an event; see the diagram in the [module's header](super).

use std::fmt;

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};

/// The state of an event.
///
/// Its SQL literal is a number written into the query text, not a parameter: `SQLite` uses a
/// partial index only for a number that is part of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventState {
    /// To be sent.
    Waiting,
    /// The server accepted it.
    Acknowledged,
    /// The server refused it, or its text was damaged. It is kept with the reason.
    Parked,
    /// Dropped because it waited longer than [`MAX_AGE`](super::MAX_AGE).
    DroppedForAge,
    /// Dropped because the outbox was too large.
    DroppedForSize,
    /// Withdrawn by the user before it was sent.
    Withdrawn,
}

impl EventState {
    /// All states, each at the index of its number.
    pub(super) const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Acknowledged,
        Self::Parked,
        Self::DroppedForAge,
        Self::DroppedForSize,
        Self::Withdrawn,
    ];

    const fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for EventState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.number())
    }
}

impl ToSql for EventState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.number().into())
    }
}

impl FromSql for EventState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        let state = usize::try_from(number).ok();
        let state = state.and_then(|number| Self::ALL.get(number).copied());
        state.ok_or(FromSqlError::OutOfRange(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_as_it_was_written() {
        for (number, state) in (0..).zip(EventState::ALL) {
            assert_eq!(state.to_string(), number.to_string());
            let read = EventState::column_result(ValueRef::Integer(number));
            assert_eq!(read, Ok(state));
        }
        assert!(EventState::column_result(ValueRef::Integer(6)).is_err());
        assert!(EventState::column_result(ValueRef::Integer(-1)).is_err());
    }

    #[test]
    fn the_partial_indexes_are_those_of_the_states_they_are_named_by() {
        let schema = include_str!("schema.sql");
        for (index, state) in [
            (
                "events_waiting ON events (destination, batch)",
                EventState::Waiting,
            ),
            ("events_parked ON events (batch)", EventState::Parked),
        ] {
            let index = format!("CREATE INDEX {index} WHERE state = {state};");
            assert!(schema.contains(&index), "{index}");
        }
    }
}
