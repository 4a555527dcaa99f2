//! Ids of responses: those that identify a call by themselves.

/// Attributes with the id of a response.
pub(crate) const NAMES: [&str; 3] = ["gen_ai.response.id", "ai.response.id", "llm.response.id"];

/// Prefix of the ids that OpenRouter gives to requests.
const OPENROUTER: &str = "gen-";

/// Prefixes of ids that are unique per response.
const UNIQUE: [&str; 4] = [OPENROUTER, "req_", "msg_", "resp_"];

/// Characters of a unique id after its prefix. Fixed ids, which gateways and doubles of providers
/// give, are shorter.
const DRAWN: usize = 20;

/// Whether an id has the form of ids that are unique per response.
pub(crate) fn is_unique(id: &str) -> bool {
    UNIQUE.iter().any(|prefix| id.starts_with(prefix))
}

/// Whether an id was drawn at random, and so is unique per response.
pub(crate) fn is_drawn(id: &str) -> bool {
    let rest = UNIQUE.iter().find_map(|prefix| id.strip_prefix(prefix));
    rest.is_some_and(|rest| rest.len() >= DRAWN && rest.bytes().any(|it| it.is_ascii_digit()))
}

/// Whether an id has the form of OpenRouter's ids, also of fixed ones.
pub(crate) fn is_like_openrouters(id: &str) -> bool {
    id.starts_with(OPENROUTER)
}

/// Whether an id is one that OpenRouter drew for a request.
pub(crate) fn is_of_openrouter(id: &str) -> bool {
    id.strip_prefix(OPENROUTER)
        .is_some_and(|rest| rest.len() >= DRAWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_were_drawn_identify_a_call() {
        for (id, unique, drawn, of_openrouter) in [
            ("gen-1790000000-AbCdEf012345", true, true, true),
            ("gen-1", true, false, false),
            ("req_011CSHoEeqs5C35K2UUqR7Fy", true, true, false),
            ("msg_aaaaaaaaaaaaaaaaaaaaaaaa", true, false, false),
            ("chatcmpl-123", false, false, false),
        ] {
            let is = (is_unique(id), is_drawn(id), is_of_openrouter(id));
            assert_eq!(is, (unique, drawn, of_openrouter), "{id}");
        }
    }
}
