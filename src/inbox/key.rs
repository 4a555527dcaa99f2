//! Names of what is kept: routes and traces.

use std::fmt;
use std::sync::Arc;

use crate::otlp::TraceId;

/// The way by which a request came in: the name of its token, or of the open door. Settings say
/// which project and which privacy mode belong to it. What came by different routes is never mixed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route(Arc<str>);

/// Names a trace in the inbox. Two routes may have traces of the same id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceKey {
    /// How it came in.
    pub route: Route,
    /// The id that its emitter gave it, or one made here for records without a trace.
    pub trace_id: TraceId,
}

/// The route of the settings themselves, which is the only one unless others are set up.
const MAIN: &str = "main";

impl Route {
    /// The route of the settings themselves.
    #[must_use]
    pub fn main() -> Self {
        Self::new(MAIN)
    }

    /// Whether it is the route of the settings themselves.
    #[must_use]
    pub fn is_main(&self) -> bool {
        self.name() == MAIN
    }

    /// The route with this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// Its name.
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
