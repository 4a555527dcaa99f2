//! The paths that the receiver serves.

use crate::otlp::Signal;

/// The purpose of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A check whether the receiver works.
    Health,
    /// A request of this signal. JSON names its signal itself.
    Take(Signal),
}

/// Prefixes of the protocol's paths, besides the root: PostHog's endpoint, present and former, and
/// Langfuse's. `PostHogTraceExporter` (`@posthog/ai` 8) uses the first one by default.
const BASES: [&str; 3] = ["/i/v0/ai/otel", "/i/v0/llma_otel", "/api/public/otel"];

/// Path for the deliveries of `OpenRouter`.
const OPENROUTER: &str = "/openrouter";

impl Endpoint {
    /// The purpose of a path; slashes at its end are ignored.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        if path == "/health" {
            return Some(Self::Health);
        }
        if path == OPENROUTER || BASES.contains(&path) {
            return Some(Self::Take(Signal::Traces));
        }
        let bases = BASES.iter().chain([&OPENROUTER, &""]);
        let mut rests = bases.filter_map(|base| path.strip_prefix(base));
        rests.find_map(|rest| match rest {
            "/v1/traces" => Some(Self::Take(Signal::Traces)),
            "/v1/logs" => Some(Self::Take(Signal::Logs)),
            "/v1/metrics" => Some(Self::Take(Signal::Metrics)),
            _ => None,
        })
    }

    /// Allowed methods. `OpenRouter` can be configured to use `PUT`.
    pub(super) const fn methods(self) -> &'static str {
        match self {
            Self::Health => "GET, HEAD",
            Self::Take(Signal::Traces) => "POST, PUT",
            Self::Take(Signal::Logs | Signal::Metrics) => "POST",
        }
    }

    pub(super) fn takes(self, method: &str) -> bool {
        self.methods().split(", ").any(|it| it == method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_that_clients_send_to_is_known() {
        let [traces, logs, metrics] =
            [Signal::Traces, Signal::Logs, Signal::Metrics].map(Endpoint::Take);
        for (path, expected) in [
            ("/v1/traces", Some(traces)),
            ("/v1/traces/", Some(traces)),
            ("/v1/logs", Some(logs)),
            ("/v1/metrics", Some(metrics)),
            ("/i/v0/ai/otel", Some(traces)),
            ("/i/v0/ai/otel/", Some(traces)),
            ("/i/v0/ai/otel/v1/traces", Some(traces)),
            ("/i/v0/ai/otel/v1/logs//", Some(logs)),
            ("/i/v0/llma_otel", Some(traces)),
            ("/api/public/otel/v1/traces", Some(traces)),
            ("/api/public/otel", Some(traces)),
            ("/openrouter", Some(traces)),
            ("/openrouter/v1/traces", Some(traces)),
            ("/health", Some(Endpoint::Health)),
            ("/health/", Some(Endpoint::Health)),
            ("/", None),
            ("", None),
            ("/v1", None),
            ("/V1/traces", None),
            ("/v1/traces/x", None),
            ("/x/v1/traces", None),
            ("/i/v0/ai/otelx", None),
        ] {
            assert_eq!(Endpoint::of_path(path), expected, "{path}");
        }
    }
}
