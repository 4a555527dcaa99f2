//! Names of routes and traces in the inbox.

use std::fmt;
use std::sync::Arc;

use crate::otlp::TraceId;

/// The way by which a request came in: the name of its token, or of the receiver without tokens.
/// Settings give each route its project and privacy mode. Data of different routes are never mixed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route(Arc<str>);

/// Identity of a trace in the inbox. Traces of two routes may have the same id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceKey {
    /// The route by which it came.
    pub route: Route,
    /// The emitter's id, or one made by this program for records without a trace.
    pub trace_id: TraceId,
}

/// Name of the default route, the only one unless the settings define others.
const MAIN: &str = "main";

impl Route {
    /// The default route, which sends to the destination of the settings.
    #[must_use]
    pub fn main() -> Self {
        Self::new(MAIN)
    }

    /// Whether this is the default route.
    #[must_use]
    pub fn is_main(&self) -> bool {
        self.name() == MAIN
    }

    /// The route with this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// Name of the route.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
