//! Errors whose type and text are certain to mean one HTTP status, for libraries that do not report
//! it.
//!
//! The AI SDK 4 to 6 reports an `AI_APICallError` with the text of the provider and without the
//! status, or with the reason phrase of the status if the provider sent no text. The libraries of
//! OpenAI and Anthropic have a class for each status.

/// Errors of the AI SDK about a refused request.
const REFUSED: &str = "AI_APICallError";

/// The error of the AI SDK after several refusals, which ends with the last of them.
const REPEATED: (&str, &str) = ("AI_RetryError", "Last error: ");

/// Classes of the libraries that refuse with one status alone.
const CLASSES: [(&str, u16); 7] = [
    ("BadRequestError", 400),
    ("AuthenticationError", 401),
    ("PermissionDeniedError", 403),
    ("NotFoundError", 404),
    ("ConflictError", 409),
    ("UnprocessableEntityError", 422),
    ("RateLimitError", 429),
];

/// Libraries of providers that have these classes.
const LIBRARIES: [&str; 3] = ["openai", "anthropic", "groq"];

/// Beginning of OpenAI's message for too many requests, and of no other.
const RATE_LIMIT: &str = "Rate limit reached";

/// Reason phrases, which are the whole text if a provider sends none (RFC 9110, RFC 6585).
const PHRASES: [(&str, u16); 11] = [
    ("Bad Request", 400),
    ("Unauthorized", 401),
    ("Payment Required", 402),
    ("Forbidden", 403),
    ("Not Found", 404),
    ("Request Timeout", 408),
    ("Too Many Requests", 429),
    ("Internal Server Error", 500),
    ("Bad Gateway", 502),
    ("Service Unavailable", 503),
    ("Gateway Timeout", 504),
];

/// The HTTP status that an error of this class with this text had; `None` if it is not certain.
pub(crate) fn status(class: &str, text: &str) -> Option<u16> {
    let (library, name) = class.rsplit_once('.').unwrap_or(("", class));
    let library = library.split('.').next().unwrap_or_default();
    let text = text.strip_prefix(class).unwrap_or(text);
    let text = text.strip_prefix(": ").unwrap_or(text);
    let (repeated, before_last) = REPEATED;
    if name == repeated {
        let (_, last) = text.rsplit_once(before_last)?;
        return status(REFUSED, last);
    }
    let of_class = || {
        let mut classes = CLASSES.iter();
        let (_, status) = classes.find(|(class, _)| *class == name)?;
        LIBRARIES.contains(&library).then_some(*status)
    };
    let of_phrase = || {
        let mut phrases = PHRASES.iter().filter(|_| name == REFUSED);
        let (_, status) = phrases.find(|(phrase, _)| phrase.eq_ignore_ascii_case(text))?;
        Some(*status)
    };
    // The application may have a class of the same name.
    let is_limited = [REFUSED, "RateLimitError"].contains(&class) && text.starts_with(RATE_LIMIT);
    of_class()
        .or_else(of_phrase)
        .or_else(|| is_limited.then_some(429))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_class_and_a_text_that_are_certain_have_a_status() {
        for (class, text, expected) in [
            (
                "AI_APICallError",
                "Rate limit reached for gpt-4o",
                Some(429),
            ),
            (
                "AI_APICallError",
                "AI_APICallError: Rate limit reached",
                Some(429),
            ),
            ("AI_APICallError", "Too Many Requests", Some(429)),
            ("AI_APICallError", "Service Unavailable", Some(503)),
            ("AI_APICallError", "context too long", None),
            ("AI_APICallError", "The tool says: Too Many Requests", None),
            (
                "AI_RetryError",
                "Failed after 2 attempts. Last error: Rate limit reached",
                Some(429),
            ),
            (
                "AI_RetryError",
                "AI_RetryError: Failed after 2 attempts. Last error: AI_APICallError: Bad Gateway",
                Some(502),
            ),
            ("AI_RetryError", "Failed after 2 attempts.", None),
            ("openai.RateLimitError", "no more credit", Some(429)),
            ("anthropic.BadRequestError", "too long", Some(400)),
            ("RateLimitError", "Rate limit reached", Some(429)),
            (
                "RateLimitError",
                "the queue of the application is full",
                None,
            ),
            ("shop.RateLimitError", "Rate limit reached", None),
            ("BadRequestError", "too long", None),
            ("Error", "Rate limit reached", None),
            ("Error", "Too Many Requests", None),
        ] {
            assert_eq!(status(class, text), expected, "{class} {text}");
        }
    }
}
