//! Finds the places in a text where one of a thousand short literals stands.
//!
//! The first three bytes at every position are looked up in a bitmap that fits
//! the innermost cache; only where it says "maybe" are literals compared. Unlike
//! an automaton, no step waits for the one before, and there is nothing to build
//! but two tables.
//!
//! In real text one position in twenty is a "maybe", too many and too irregular
//! to branch on. A block at a time is therefore filtered without a branch, and
//! what is left of it compared afterwards.

use super::work;

/// Literals of at least [`Anchors::SHORTEST`] bytes, each with what it announces.
pub(super) struct Anchors<T> {
    filter: Vec<u64>,
    /// By hash.
    slots: Vec<Slot>,
    entries: Vec<Entry<T>>,
}

/// The literals with one hash.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// One more than the place in `entries` of the first of them.
    first: u16,
    /// By their fourth bytes, of which the last four bits count: a bit for each that one of them has.
    fourth: u16,
}

struct Entry<T> {
    hash: u16,
    /// The first eight bytes, and which of them count.
    bytes: u64,
    mask: u64,
    announces: T,
}

const WIDTH: usize = size_of::<u64>();
/// Positions filtered together at most. Longer blocks are faster through text without
/// secrets; after a secret or a mark, the rest of its block is filtered again.
const BLOCK: usize = u64::BITS as usize;
/// Positions that the filter's loop is unrolled for, and that are filtered first: the next secret
/// or mark is often near.
const GROUP: usize = 8;
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
        let mut slots = vec![Slot::default(); HASHES];
        for (index, entry) in entries.iter().enumerate().rev() {
            let hash = usize::from(entry.hash);
            filter[hash / 64] |= 1 << (hash % 64);
            slots[hash].first = u16::try_from(index + 1).expect("fewer anchors than hashes");
            slots[hash].fourth |= match entry.mask.count_ones() / u8::BITS {
                3 => u16::MAX,
                _ => fourth_bit(entry.bytes),
            };
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
        let (mut at, mut block) = (from, GROUP);
        while at < text.len() {
            let left = text.len() - at;
            // The last block is read from a copy that zeros follow.
            let mut padded = [0; BLOCK + WIDTH];
            let near = text[at..].first_chunk().unwrap_or_else(|| {
                padded[..left].copy_from_slice(&text[at..]);
                &padded
            });
            work::add(left.min(block));
            let mut maybes = self.maybes(near, left.min(block));
            let looked = maybes.find_map(|offset| {
                let position = at + offset;
                self.standing(word_at(near, offset))
                    .find_map(|announces| look(position, announces))
                    .map(|step| (position, step))
            });
            (at, block) = match looked {
                Some((_, Step::Found(result))) => return Some(result),
                Some((position, Step::Skip(end))) => (end.max(position + 1), GROUP),
                None => (at + block, BLOCK.min(2 * block)),
            };
        }
        None
    }

    /// What the literals announce that a text begins with.
    pub(super) fn beginning(&self, text: &[u8]) -> impl Iterator<Item = T> {
        let mut word = [0; WIDTH];
        let length = text.len().min(WIDTH);
        word[..length].copy_from_slice(&text[..length]);
        work::add(length);
        self.standing(u64::from_le_bytes(word))
    }

    /// The first `count` positions, and up to a whole group, that pass the filter.
    fn maybes(&self, near: &[u8; BLOCK + WIDTH], count: usize) -> Maybes {
        let filter: &[u64; HASHES / 64] = self.filter.first_chunk().expect("made with that length");
        let mut maybes = 0;
        for from in (0..BLOCK).step_by(GROUP).take_while(|from| *from < count) {
            let mut passing = 0;
            for within in 0..GROUP {
                let hash = usize::from(hash(word_at(near, from + within)));
                let passes = filter[hash / 64] >> (hash % 64) & 1;
                passing |= passes << within;
            }
            maybes |= passing << from;
        }
        Maybes(maybes)
    }

    /// What the literals announce that stand at the beginning of `word`.
    fn standing(&self, word: u64) -> impl Iterator<Item = T> {
        let hash = hash(word);
        let slot = self.slots[usize::from(hash)];
        let first = usize::from(slot.first)
            .checked_sub(1)
            .filter(|_| slot.fourth & fourth_bit(word) != 0);
        first
            .map_or(&[][..], |first| &self.entries[first..])
            .iter()
            .take_while(move |entry| entry.hash == hash)
            .filter(move |entry| word & entry.mask == entry.bytes)
            .map(|entry| entry.announces)
    }
}

/// Offsets in a block: a bit for each.
struct Maybes(u64);

impl Iterator for Maybes {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let offset = self.0.trailing_zeros() as usize;
        // Clears the lowest bit.
        self.0 &= self.0.checked_sub(1)?;
        Some(offset)
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

/// `datadog`, `Datadog`, `DATADOG`; a spelling of its own is kept beside them.
pub(super) fn spellings(name: &str) -> Vec<Vec<u8>> {
    let lower = name.to_ascii_lowercase();
    let upper = name.to_ascii_uppercase();
    let mut title = lower.clone();
    title[..1].make_ascii_uppercase();
    let mut all = vec![name.into(), lower.into(), upper.into(), title.into()];
    all.sort_unstable();
    all.dedup();
    all
}

/// Zero where less than a word is left.
fn word_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..]
        .first_chunk()
        .map_or(0, |word| u64::from_le_bytes(*word))
}

/// The bit for the fourth byte.
const fn fourth_bit(word: u64) -> u16 {
    1 << (word >> 24 & 15)
}

/// Of the first three bytes.
const fn hash(word: u64) -> u16 {
    ((word << 40).wrapping_mul(0x9E37_79B1) >> 48) as u16
}
