//! Search for the positions of about a thousand short literals in a text.
//!
//! The first three bytes at every position are looked up in a bitmap of 8 KiB, which fits the
//! innermost cache; literals are compared only where it says "maybe". Unlike an automaton, no step
//! waits for the one before, and only two tables have to be built.
//!
//! In real text one position in twenty is a "maybe", too many and too irregular to branch on. A
//! block at a time is therefore filtered without a branch, and its remaining positions are compared
//! afterwards.

use super::work;

/// Literals of at least [`Anchors::SHORTEST`] bytes, each with a value.
pub(crate) struct Anchors<T> {
    filter: Vec<u64>,
    /// One per hash.
    slots: Vec<Slot>,
    entries: Vec<Entry<T>>,
}

/// The entries with the same hash.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// One more than the index in `entries` of the first of them; 0 if there is none.
    first: u16,
    /// One bit for each value of the last four bits of their fourth bytes.
    fourth: u16,
}

struct Entry<T> {
    hash: u16,
    /// The first eight bytes of the literal; bytes outside `mask` are 0.
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
    /// Bytes of the shortest literal: the filter hashes that many.
    pub(crate) const SHORTEST: usize = 3;

    /// A table of literals. Of several at one position, the longest comes first, then the first in
    /// the list.
    pub(crate) fn new(mut literals: Vec<(Vec<u8>, T)>) -> Self {
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

    /// The first result of `look`, which is called for each literal at each position from `from`
    /// on. `look` may also name the position at which to continue.
    pub(crate) fn find_map<R>(
        &self,
        text: &[u8],
        from: usize,
        mut look: impl FnMut(usize, T) -> Option<Step<R>>,
    ) -> Option<R> {
        let (mut at, mut block) = (from, GROUP);
        while at < text.len() {
            let left = text.len() - at;
            // The last block is copied, with zeros behind it.
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

    /// The values of the literals at the beginning of a text.
    pub(crate) fn beginning(&self, text: &[u8]) -> impl Iterator<Item = T> {
        let mut word = [0; WIDTH];
        let length = text.len().min(WIDTH);
        word[..length].copy_from_slice(&text[..length]);
        work::add(length);
        self.standing(u64::from_le_bytes(word))
    }

    /// The positions that pass the filter, among the first `count` rounded up to a whole group.
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

    /// The values of the literals at the beginning of `word`.
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

/// Offsets in a block, one bit each.
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

/// The result of looking at a literal.
pub(crate) enum Step<R> {
    Found(R),
    /// Continue at this position.
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

/// A name as given, in small letters, in capitals and capitalised: `datadog`, `DATADOG`, `Datadog`.
pub(crate) fn spellings(name: &str) -> Vec<Vec<u8>> {
    let lower = name.to_ascii_lowercase();
    let upper = name.to_ascii_uppercase();
    let mut title = lower.clone();
    title[..1].make_ascii_uppercase();
    let mut all = vec![name.into(), lower.into(), upper.into(), title.into()];
    all.sort_unstable();
    all.dedup();
    all
}

/// The eight bytes at a position; 0 if fewer are left.
fn word_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..]
        .first_chunk()
        .map_or(0, |word| u64::from_le_bytes(*word))
}

/// The bit of [`Slot::fourth`] for the fourth byte.
const fn fourth_bit(word: u64) -> u16 {
    1 << (word >> 24 & 15)
}

/// Hash of the first three bytes.
const fn hash(word: u64) -> u16 {
    ((word << 40).wrapping_mul(0x9E37_79B1) >> 48) as u16
}
