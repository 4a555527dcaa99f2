//! Events of one session that lies in several transcripts, each counted once.

use std::collections::HashSet;

use uuid::Uuid;

/// The events of one session that were handed out so far. Two folders may hold transcripts of the
/// same session, one of them mostly a copy of the other.
#[derive(Debug, Default)]
pub struct Given {
    /// Those of the transcripts before the current one.
    earlier: HashSet<Uuid>,
    /// Those of the current transcript.
    current: HashSet<Uuid>,
}

impl Given {
    /// The current transcript is done; another one of the same session follows.
    pub fn next_transcript(&mut self) {
        self.earlier.extend(self.current.drain());
    }

    /// The current transcript is read from its start again.
    pub(super) fn restart(&mut self) {
        self.current.clear();
    }

    /// Notes an event of the current transcript. Whether no earlier transcript holds it.
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
    fn an_event_of_an_earlier_transcript_is_not_new_and_one_that_is_read_again_is() {
        let [one, two, three] = [1, 2, 3].map(Uuid::from_u128);
        let mut given = Given::default();
        assert!(given.note(one) && given.note(one));
        given.restart();
        assert!(given.note(two));
        given.next_transcript();
        assert_eq!(
            [one, two, three].map(|it| given.note(it)),
            [true, false, true]
        );
    }
}
