//! Whose a settings file is.

use std::path::Path;

use crate::git::{self, Standing};
use crate::integrations::claude_code::settings::{Kind, ProjectFile, Variables};
use crate::variables::Variable;

/// Whose word a settings file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The user's, or that of whoever administers the machine.
    User,
    /// That of whoever may push to the repository, as far as anybody can tell.
    Repository,
}

/// Whose a settings file is: inside a project the user's only when git says that it did not come with
/// the repository.
pub(super) fn of(file: &ProjectFile) -> Owner {
    match file.kind {
        Kind::Committed => Owner::Repository,
        Kind::Local => of_local(&file.path),
        Kind::User => Owner::User,
    }
}

/// The same of a file that is meant not to be committed.
pub(super) fn of_local(path: &Path) -> Owner {
    match git::standing(path) {
        Standing::Untracked => Owner::User,
        Standing::Tracked | Standing::Unknown => Owner::Repository,
    }
}

/// The value that variables have for one of ours, whatever it is.
pub(super) fn named(variables: &Variables, variable: Variable) -> Option<&String> {
    let exact = variables.get(variable.name());
    exact.or_else(|| {
        let mut named = variables.iter();
        let named = named.find(|(name, _)| variable.is_named(name));
        named.map(|(_, value)| value)
    })
}

/// Whether variables name one that decides something here.
pub(super) fn name_any(variables: &Variables) -> bool {
    variables
        .keys()
        .any(|name| Variable::ALL.iter().any(|variable| variable.is_named(name)))
}
