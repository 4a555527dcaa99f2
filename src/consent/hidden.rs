//! Reasons for which the value of a variable is rejected: it is not the user's.

use serde::{Deserialize, Serialize};

use crate::host::NotUnicode;

/// A reason for which the user's own value of a variable is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnknownValue {
    /// The value is not UTF-8.
    #[error(transparent)]
    NotUnicode(#[from] NotUnicode),
    /// Another value replaced the user's own.
    #[error(transparent)]
    Hidden(#[from] Hidden),
}

/// The origin of a value that replaced the user's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub(crate) enum Hidden {
    /// Settings that came with a project.
    #[error("was hidden by settings that came with this project")]
    ByProject,
    /// Unknown: no settings file has this value. Perhaps its file is gone.
    #[error("was set by something other than your own settings, perhaps by a file that is gone")]
    Unexplained,
}
