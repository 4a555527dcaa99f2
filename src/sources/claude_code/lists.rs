//! Lists of messages, as requests name them. Every call sends the whole conversation again, so
//! lists with the same beginning share it: memory grows with the conversation, not with its square.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::messages::MessageHash;
use crate::fingerprint;

/// A list of messages. Equal lists have equal names, also in another reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct List {
    name: u64,
    length: usize,
}

impl List {
    /// The empty list.
    pub(super) const EMPTY: Self = Self { name: 0, length: 0 };

    /// A list of which only the length is known.
    pub(super) fn unknown(length: usize, whose: &str) -> Self {
        let name = match length {
            0 => 0,
            _ => fingerprint::of(&[whose.as_bytes(), &(length as u64).to_le_bytes()]),
        };
        Self { name, length }
    }

    pub(super) const fn length(self) -> usize {
        self.length
    }

    /// The name of the list with one more message.
    fn name_with(self, message: MessageHash) -> u64 {
        let [name, length] = [self.name, self.length as u64].map(u64::to_le_bytes);
        fingerprint::of(&[&name, &length, &message.0])
    }
}

/// The lists of a file.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// The last message of every list, and the list before it.
    known: HashMap<List, (List, MessageHash)>,
    /// The first message of lists whose other messages are unknown.
    beginnings: HashMap<List, MessageHash>,
}

impl Lists {
    /// Stores the first message of a list whose other messages are unknown.
    pub(super) fn begins(&mut self, list: List, first: MessageHash) {
        self.beginnings.insert(list, first);
    }

    /// The first message of a list, if known.
    pub(super) fn beginning(&self, mut list: List) -> Option<MessageHash> {
        while let Some((rest, message)) = self.known.get(&list) {
            if *rest == List::EMPTY {
                return Some(*message);
            }
            list = *rest;
        }
        self.beginnings.get(&list).copied()
    }

    /// The list with one more message.
    pub(super) fn extended(&mut self, list: List, message: MessageHash) -> List {
        let longer = List {
            name: list.name_with(message),
            length: list.length + 1,
        };
        self.known.insert(longer, (list, message));
        longer
    }

    /// The first `length` messages of a list; `None` when they are unknown or fewer.
    pub(super) fn first(&self, mut list: List, length: usize) -> Option<List> {
        while list.length > length {
            list = self.known.get(&list)?.0;
        }
        (list.length == length).then_some(list)
    }

    /// The messages of a list after the beginning that it shares with an earlier one; `None` when
    /// it is unknown how far they agree.
    pub(super) fn since(&self, list: List, earlier: List) -> Option<Vec<MessageHash>> {
        self.new_in(list, earlier).or_else(|| {
            // A summarised conversation begins differently and agrees in nothing.
            let has_new_beginning = self.beginning(list)? != self.beginning(earlier)?;
            let everything = || self.new_in(list, List::EMPTY);
            has_new_beginning.then(everything).flatten()
        })
    }

    fn new_in(&self, mut list: List, mut earlier: List) -> Option<Vec<MessageHash>> {
        let mut new = Vec::new();
        while list != earlier {
            let length = list.length;
            if length >= earlier.length {
                let (rest, message) = *self.known.get(&list)?;
                new.push(message);
                list = rest;
            }
            if earlier.length >= length {
                earlier = self.known.get(&earlier)?.0;
            }
        }
        new.reverse();
        Some(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: MessageHash = MessageHash([1; 16]);
    const TWO: MessageHash = MessageHash([2; 16]);
    const THREE: MessageHash = MessageHash([3; 16]);

    fn list(lists: &mut Lists, from: List, messages: &[MessageHash]) -> List {
        let messages = messages.iter();
        messages.fold(from, |list, message| lists.extended(list, *message))
    }

    #[test]
    fn new_messages_come_after_the_common_beginning() {
        let lists = &mut Lists::default();
        let earlier = list(lists, List::EMPTY, &[ONE, TWO]);
        for (messages, new) in [
            (vec![ONE, TWO, THREE], vec![THREE]),
            (vec![ONE, TWO], vec![]),
            (vec![ONE], vec![]),
            (vec![ONE, THREE], vec![THREE]),
            (vec![TWO, ONE], vec![TWO, ONE]),
            (vec![], vec![]),
        ] {
            let later = list(lists, List::EMPTY, &messages);
            assert_eq!(lists.since(later, earlier), Some(new), "{messages:?}");
        }
    }

    #[test]
    fn after_an_unknown_beginning_only_what_follows_it_is_known() {
        let lists = &mut Lists::default();
        let unknown = List::unknown(2, "somebody");
        let longer = list(lists, unknown, &[THREE]);
        assert_eq!(lists.since(longer, unknown), Some(vec![THREE]));
        assert_eq!(lists.first(longer, 2), Some(unknown));
        assert_eq!(lists.first(longer, 1), None);
        let other = list(lists, List::EMPTY, &[ONE, TWO, THREE]);
        assert_eq!(lists.since(other, longer), None);
        assert_eq!(lists.since(longer, other), None);
        lists.begins(unknown, ONE);
        assert_eq!(lists.since(other, longer), None);
        lists.begins(unknown, TWO);
        assert_eq!(lists.since(other, longer), Some(vec![ONE, TWO, THREE]));
    }
}
