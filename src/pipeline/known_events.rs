//! Events of one session with several transcripts, each counted once.

use std::collections::HashSet;

use uuid::Uuid;

/// Events of one session that were passed on so far. Two folders may hold transcripts of the same
/// session, one of them mostly a copy of the other.
#[derive(Debug, Default)]
pub struct KnownEvents {
    /// Events of the transcripts before the current one.
    earlier: HashSet<Uuid>,
    /// Events of the current transcript.
    current: HashSet<Uuid>,
}

impl KnownEvents {
    /// Ends the current transcript; another one of the same session follows.
    pub fn next_transcript(&mut self) {
        self.earlier.extend(self.current.drain());
    }

    /// Begins the current transcript again.
    pub(super) fn restart(&mut self) {
        self.current.clear();
    }

    /// Adds an event of the current transcript. Returns whether no earlier transcript has it.
    pub(super) fn note(&mut self, event: Uuid) -> bool {
        let is_new = !self.earlier.contains(&event);
        if is_new {
            self.current.insert(event);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_new_unless_an_earlier_transcript_has_it() {
        let [one, two, three] = [1, 2, 3].map(Uuid::from_u128);
        let mut known = KnownEvents::default();
        assert!(known.note(one) && known.note(one));
        known.restart();
        assert!(known.note(two));
        known.next_transcript();
        assert_eq!(
            [one, two, three].map(|it| known.note(it)),
            [true, false, true]
        );
    }
}
