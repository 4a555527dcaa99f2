//! Values of variables that do not count, because they are not the user's.

use serde::{Deserialize, Serialize};

use crate::host::NotUnicode;

/// Why it is not known what the user set a variable to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnknownValue {
    /// The value is not UTF-8.
    #[error(transparent)]
    NotUnicode(#[from] NotUnicode),
    /// Another value stands in the place of the user's own.
    #[error(transparent)]
    Hidden(#[from] Hidden),
}

/// Whose value stands in the place of the user's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub(crate) enum Hidden {
    /// That of settings that came with a project.
    #[error("was hidden by settings that came with this project")]
    ByProject,
    /// One of which no file tells where it came from, such as settings that are gone, or one that
    /// is not what the user's settings say.
    #[error(
        "was set by something else than your own settings, perhaps by ones that are gone; start \
         Claude Code again, or set it in your own settings.json"
    )]
    Unexplained,
}
