//! How alike a typed id and a known one are, to name the ones that may have been meant.

/// Number of typed characters that match an id, allowing for one missing or surplus character.
pub(super) fn of(typed: &[char], id: &[char]) -> usize {
    let common = |typed: &[char], id: &[char]| {
        let pairs = typed.iter().zip(id);
        pairs.filter(|(typed, own)| typed == own).count()
    };
    let is_same = |(typed, own): &(&char, &char)| typed == own;
    let begin = typed.iter().zip(id).take_while(is_same).count();
    let (typed_rest, id_rest) = (&typed[begin..], &id[begin..]);
    let rests = [
        common(typed_rest, id_rest),
        common(typed_rest, id_rest.get(1..).unwrap_or_default()),
        common(typed_rest.get(1..).unwrap_or_default(), id_rest),
    ];
    begin + rests.into_iter().max().unwrap_or(0)
}
