//! The content of a session that a user and a project allow to be sent.

/// The content that is sent. Names and error texts follow the content they are made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    /// All content.
    #[default]
    Full,
    /// Prompts, and inputs of tools.
    InputsOnly,
    /// Answers, and outputs of tools.
    OutputsOnly,
    /// No content: numbers, and names of tools and models.
    Nothing,
}

impl Recording {
    /// The setting for whether the user wants `inputs` and `outputs`.
    #[must_use]
    pub const fn of(inputs: bool, outputs: bool) -> Self {
        match (inputs, outputs) {
            (true, true) => Self::Full,
            (true, false) => Self::InputsOnly,
            (false, true) => Self::OutputsOnly,
            (false, false) => Self::Nothing,
        }
    }

    /// Whether prompts and inputs of tools are sent.
    #[must_use]
    pub const fn inputs(self) -> bool {
        matches!(self, Self::Full | Self::InputsOnly)
    }

    /// Whether answers and outputs of tools are sent.
    #[must_use]
    pub const fn outputs(self) -> bool {
        matches!(self, Self::Full | Self::OutputsOnly)
    }

    /// Only the content that both settings allow.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self::of(
            self.inputs() && other.inputs(),
            self.outputs() && other.outputs(),
        )
    }
}
