//! Facts that an instrumented application states about its work.

use serde_json::{Map, Value};

/// The user that a piece of work was done for, and the application that did it, as the application
/// itself states. A coding agent's session has one user and one project, which the settings name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The user's id.
    pub person: Option<String>,
    /// The session or conversation that the work belongs to, which may span many traces.
    pub session: Option<String>,
    /// Groups of the user, by the type of the group.
    pub groups: Map<String, Value>,
    /// Name of the service.
    pub project: Option<String>,
    /// Name of the agent that did the work.
    pub agent: Option<String>,
    /// The framework that the application is built with.
    pub framework: Option<String>,
    /// Address of the provider's server.
    pub server: Option<String>,
    /// Further facts that the application gave to the work, by its own names.
    pub properties: Map<String, Value>,
}
