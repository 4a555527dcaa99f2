//! Suggestions for a session id that does not exist.

use std::cmp::Reverse;

use super::without_kind;
use crate::sources::SessionRef;

/// Maximum number of suggestions.
const MOST: usize = 5;

/// The sessions whose ids are similar to the typed text: at least half of its characters match,
/// allowing for one missing or surplus character.
pub(super) fn nearest<'a>(wanted: &str, known: &'a [SessionRef]) -> Vec<&'a SessionRef> {
    let typed: Vec<char> = wanted.chars().collect();
    let mut ranked: Vec<(usize, &SessionRef)> = known
        .iter()
        .map(|session| {
            let id = without_kind(&session.id).to_lowercase();
            (likeness(&typed, &id.chars().collect::<Vec<_>>()), session)
        })
        .filter(|(likeness, _)| *likeness > 0 && likeness * 2 >= typed.len())
        .collect();
    // The sort is stable: of equally similar sessions, the newest stay first.
    ranked.sort_by_key(|(likeness, _)| Reverse(*likeness));
    ranked.truncate(MOST);
    ranked.into_iter().map(|(_, session)| session).collect()
}

/// Number of typed characters that match an id, allowing for one missing or surplus character.
fn likeness(typed: &[char], id: &[char]) -> usize {
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

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::session::Agent;
    use crate::sources::Locator;

    #[test]
    fn a_slip_of_the_finger_finds_the_session_and_no_other() {
        let session = |id: &str| SessionRef {
            agent: Agent::ClaudeCode,
            id: id.to_owned(),
            locator: Locator::File(format!("/p/{id}.jsonl").into()),
            bytes: 1,
            modified: SystemTime::UNIX_EPOCH,
        };
        let known = [
            session("ses_1b2c3d4e"),
            session("4f2a8c11"),
            session("90c1"),
        ];
        for (typed, near) in [
            ("4f2b8c11", "4f2a8c11"),
            ("4f28c11", "4f2a8c11"),
            ("4f2aa8c11", "4f2a8c11"),
            ("x1b2c3", "ses_1b2c3d4e"),
            ("90d", "90c1"),
        ] {
            let found = nearest(typed, &known);
            let ids: Vec<&str> = found.iter().map(|it| it.id.as_str()).collect();
            assert_eq!(ids, [near], "{typed}");
        }
        assert_eq!(nearest("ffffffff", &known), Vec::<&SessionRef>::new());
    }
}
