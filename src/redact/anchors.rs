//! Finds the places in a text where one of a thousand short literals stands.
//!
//! The first three bytes at every position are looked up in a bitmap that fits
//! the innermost cache; only where it says "maybe" are literals compared. Unlike
//! an automaton, no step waits for the one before, and there is nothing to build
//! but two tables.

/// Literals of at least [`Anchors::SHORTEST`] bytes, each with what it announces.
pub(super) struct Anchors<T> {
    filter: Vec<u64>,
    /// By hash: one more than the place in `entries` of the first with that hash.
    slots: Vec<u16>,
    entries: Vec<Entry<T>>,
}

struct Entry<T> {
    hash: u16,
    /// The first eight bytes, and which of them count.
    bytes: u64,
    mask: u64,
    announces: T,
}

const WIDTH: usize = size_of::<u64>();
const HASHES: usize = 1 << u16::BITS;

impl<T: Copy> Anchors<T> {
    /// What the filter looks at.
    pub(super) const SHORTEST: usize = 3;

    /// Where literals overlap, the longer come first, then those named first.
    pub(super) fn new(mut literals: Vec<(Vec<u8>, T)>) -> Self {
        literals.sort_by_key(|(literal, _)| std::cmp::Reverse(literal.len()));
        let mut entries: Vec<_> = literals
            .into_iter()
            .map(|(literal, it)| Entry::new(&literal, it))
            .collect();
        entries.sort_by_key(|entry| entry.hash);
        let mut filter = vec![0; HASHES / 64];
        let mut slots = vec![0; HASHES];
        for (index, entry) in entries.iter().enumerate().rev() {
            let hash = usize::from(entry.hash);
            filter[hash / 64] |= 1 << (hash % 64);
            slots[hash] = u16::try_from(index + 1).expect("fewer anchors than hashes");
        }
        Self {
            filter,
            slots,
            entries,
        }
    }

    /// The first result of `look` at a position from `from` on where literals
    /// stand; `look` may also say where to go on.
    pub(super) fn find_map<R>(
        &self,
        text: &[u8],
        from: usize,
        mut look: impl FnMut(usize, T) -> Option<Step<R>>,
    ) -> Option<R> {
        let mut at = from;
        // The last few positions are read from a copy that zeros follow.
        let mut tail = [0; 2 * WIDTH];
        let tail_start = text.len().saturating_sub(WIDTH - 1);
        let tail_length = text.len() - tail_start;
        tail[..tail_length].copy_from_slice(&text[tail_start..]);
        loop {
            let (near, offset) = if at < tail_start {
                (text, 0)
            } else {
                (&tail[..], tail_start)
            };
            let end = if at < tail_start {
                tail_start
            } else {
                text.len()
            };
            let (position, word) = self.next_maybe(near, at - offset, end - offset);
            at = position + offset;
            if at >= text.len() {
                return None;
            }
            if at == end {
                continue;
            }
            let step = self
                .standing(word)
                .find_map(|announces| look(at, announces));
            at = match step {
                Some(Step::Found(result)) => return Some(result),
                Some(Step::Skip(end)) => end.max(at + 1),
                None => at + 1,
            };
            if at >= text.len() {
                return None;
            }
        }
    }

    /// The next position before `end` that passes the filter, and the bytes there.
    fn next_maybe(&self, text: &[u8], from: usize, end: usize) -> (usize, u64) {
        let filter: &[u64; HASHES / 64] = self.filter.first_chunk().expect("made with that length");
        let mut at = from;
        while at < end
            && let Some(bytes) = text[at..].first_chunk()
        {
            let word = u64::from_le_bytes(*bytes);
            let hash = usize::from(hash(word));
            if filter[hash / 64] >> (hash % 64) & 1 == 1 {
                return (at, word);
            }
            at += 1;
        }
        (end, 0)
    }

    /// What the literals announce that stand at the beginning of `word`.
    fn standing(&self, word: u64) -> impl Iterator<Item = T> {
        let hash = hash(word);
        let first = usize::from(self.slots[usize::from(hash)]);
        let entries = first
            .checked_sub(1)
            .map_or(&[][..], |first| &self.entries[first..]);
        entries
            .iter()
            .take_while(move |entry| entry.hash == hash)
            .filter(move |entry| word & entry.mask == entry.bytes)
            .map(|entry| entry.announces)
    }
}

/// What to do after looking at a literal.
pub(super) enum Step<R> {
    Found(R),
    /// Go on here.
    Skip(usize),
}

impl<T> Entry<T> {
    fn new(literal: &[u8], announces: T) -> Self {
        debug_assert!(
            literal.len() >= Anchors::<()>::SHORTEST,
            "{literal:?} is too short for the filter"
        );
        let length = literal.len().min(WIDTH);
        let mut bytes = [0; WIDTH];
        bytes[..length].copy_from_slice(&literal[..length]);
        let bytes = u64::from_le_bytes(bytes);
        let mask = u64::MAX >> (8 * (WIDTH - length));
        Self {
            hash: hash(bytes),
            bytes,
            mask,
            announces,
        }
    }
}

/// Of the first three bytes.
const fn hash(word: u64) -> u16 {
    ((word << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48) as u16
}
