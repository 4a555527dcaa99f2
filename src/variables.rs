//! Every environment variable that the program reads, and the rights of a value that was committed
//! with a repository.
//!
//! Everyone who can push to a repository can set any variable in its `.claude/settings.json`, and
//! Claude Code does not tell hooks which file set a value. [`Host`](crate::host::Host)
//! reads the variables of this table only, so that a new variable cannot be read before its rights
//! are decided.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The rights of a value that was committed with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfCommitted {
    /// Nothing: the user's own value holds.
    Ignored,
    /// Switch off, never on: a project that says no is left alone.
    SwitchesOff,
    /// More privacy, never less: decided for each session by the project it worked in, and the
    /// stricter of project and user holds.
    Stricter,
    /// Choose where the sessions of its project go, once the user has confirmed the choice.
    ChoosesDestination,
    /// Nothing either. Libraries read these themselves, so that only a process that is started
    /// with another value goes by that: a process that has the repository's sends nothing.
    NeverRoutes,
    /// Move folders in which the user's own decisions are looked for: nothing is read or sent.
    StopsEverything,
}

macro_rules! variables {
    ($($(#[doc = $doc:literal])+ $variable:ident = $name:literal, $if_committed:ident;)+) => {
        /// An environment variable that the program reads.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub(crate) enum Variable {
            $($(#[doc = $doc])+ $variable,)+
        }

        impl Variable {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$variable,)+];

            /// Its name in the environment.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variable => $name,)+
                }
            }

            /// The rights of a value that was committed with a repository.
            pub(crate) const fn if_committed(self) -> IfCommitted {
                match self {
                    $(Self::$variable => IfCommitted::$if_committed,)+
                }
            }
        }
    };
}

variables! {
    // Where sessions go, and through whose hands.
    /// Key of the PostHog project.
    ApiKey = "POSTHOG_API_KEY", ChoosesDestination;
    /// Address of PostHog.
    PosthogHost = "POSTHOG_HOST", ChoosesDestination;
    /// The plugin's option `api_key`.
    OptionApiKey = "CLAUDE_PLUGIN_OPTION_API_KEY", ChoosesDestination;
    /// The plugin's option `host`.
    OptionHost = "CLAUDE_PLUGIN_OPTION_HOST", ChoosesDestination;
    /// Proxy for plain HTTP.
    HttpProxy = "HTTP_PROXY", NeverRoutes;
    /// Proxy for HTTPS.
    HttpsProxy = "HTTPS_PROXY", NeverRoutes;
    /// Proxy for everything.
    AllProxy = "ALL_PROXY", NeverRoutes;
    /// Hosts that no proxy is used for.
    NoProxy = "NO_PROXY", NeverRoutes;
    /// The same as `HTTP_PROXY`; both spellings are in use.
    HttpProxyInSmall = "http_proxy", NeverRoutes;
    /// The same as `HTTPS_PROXY`.
    HttpsProxyInSmall = "https_proxy", NeverRoutes;
    /// The same as `ALL_PROXY`.
    AllProxyInSmall = "all_proxy", NeverRoutes;
    /// The same as `NO_PROXY`.
    NoProxyInSmall = "no_proxy", NeverRoutes;
    /// File with the certificates to believe.
    CertificateFile = "SSL_CERT_FILE", NeverRoutes;
    /// Folder with the certificates to believe.
    CertificateFolder = "SSL_CERT_DIR", NeverRoutes;

    // Whether anything is sent.
    /// Whether Claude Code's hooks do anything.
    CcEnabled = "POSTHOG_LLMA_CC_ENABLED", SwitchesOff;
    /// Whether the hooks of other agents do anything.
    Enabled = "POSTHOG_ENABLED", Ignored;

    // How private it is.
    /// Whether content is left out.
    PrivacyMode = "POSTHOG_LLMA_PRIVACY_MODE", Stricter;
    /// PostHog's name for the same with Pi and OpenCode.
    AgentPrivacyMode = "POSTHOG_PRIVACY_MODE", Stricter;
    /// The plugin's option `privacy_mode`.
    OptionPrivacyMode = "CLAUDE_PLUGIN_OPTION_PRIVACY_MODE", Stricter;
    /// Whether prompts and tool inputs are sent.
    RecordInputs = "POSTHOG_LLMA_RECORD_INPUTS", Stricter;
    /// Whether answers and tool outputs are sent.
    RecordOutputs = "POSTHOG_LLMA_RECORD_OUTPUTS", Stricter;
    /// File with redaction rules.
    RedactFile = "POSTHOG_LLMA_REDACT_FILE", Stricter;

    // Who, and how sessions become events.
    /// Whom sessions are attributed to.
    DistinctId = "POSTHOG_LLMA_DISTINCT_ID", Ignored;
    /// PostHog's name for the same with Pi and OpenCode.
    AgentDistinctId = "POSTHOG_DISTINCT_ID", Ignored;
    /// What a trace is.
    TraceGrouping = "POSTHOG_LLMA_TRACE_GROUPING", Ignored;
    /// PostHog's name for the same with Pi.
    AgentTraceGrouping = "POSTHOG_TRACE_GROUPING", Ignored;
    /// The plugin's option `trace_grouping`.
    OptionTraceGrouping = "CLAUDE_PLUGIN_OPTION_TRACE_GROUPING", Ignored;
    /// Minutes of silence that end a trace.
    SessionWindow = "POSTHOG_LLMA_SESSION_WINDOW_MINUTES", Ignored;
    /// PostHog's name for the same with Pi and OpenCode.
    AgentSessionWindow = "POSTHOG_SESSION_WINDOW_MINUTES", Ignored;
    /// Whether prompts are spans.
    TurnSpans = "POSTHOG_LLMA_TURN_SPANS", Ignored;
    /// How much of a conversation every call repeats.
    Input = "POSTHOG_LLMA_INPUT", Ignored;
    /// Longest tool input or output, in bytes.
    MaxAttributeLength = "POSTHOG_LLMA_MAX_ATTRIBUTE_LENGTH", Ignored;
    /// PostHog's name for the same with Pi and OpenCode.
    AgentMaxAttributeLength = "POSTHOG_MAX_ATTRIBUTE_LENGTH", Ignored;
    /// Name of the project in PostHog.
    ProjectName = "POSTHOG_PROJECT_NAME", Ignored;
    /// Name of the agent in PostHog.
    AgentName = "POSTHOG_AGENT_NAME", Ignored;
    /// What the calls are for.
    Purpose = "POSTHOG_AI_PURPOSE", Ignored;
    /// Properties on every event, as `name:value` pairs.
    Tags = "POSTHOG_TAGS", Ignored;
    /// Properties on every event, as JSON.
    CustomProperties = "POSTHOG_LLMA_CUSTOM_PROPERTIES", Ignored;

    // What is kept on disk.
    /// Folder of the outbox.
    StateDir = "POSTHOG_LLMA_STATE_DIR", Ignored;
    /// How many bytes may wait.
    MaxOutboxBytes = "POSTHOG_LLMA_MAX_OUTBOX_BYTES", Ignored;

    // Where things are looked for.
    /// The user's home.
    Home = "HOME", StopsEverything;
    /// The user's home on Windows.
    UserProfile = "USERPROFILE", StopsEverything;
    /// Configuration folder on Windows.
    AppData = "APPDATA", StopsEverything;
    /// State folder on Windows.
    LocalAppData = "LOCALAPPDATA", StopsEverything;
    /// Configuration folder: what the user confirmed is kept there.
    XdgConfigHome = "XDG_CONFIG_HOME", StopsEverything;
    /// Claude Code's folder, with the user's own settings.
    ClaudeConfigDir = "CLAUDE_CONFIG_DIR", StopsEverything;
    /// State folder.
    XdgStateHome = "XDG_STATE_HOME", Ignored;
    /// Data folder: OpenCode's database.
    XdgDataHome = "XDG_DATA_HOME", Ignored;
    /// OpenCode's database.
    OpencodeDb = "OPENCODE_DB", Ignored;
    /// A file with settings of OpenCode.
    OpencodeConfig = "OPENCODE_CONFIG", Ignored;
    /// Settings of OpenCode themselves.
    OpencodeConfigContent = "OPENCODE_CONFIG_CONTENT", Ignored;
    /// Whether OpenCode ignores settings in projects.
    OpencodeWithoutProjects = "OPENCODE_DISABLE_PROJECT_CONFIG", Ignored;
    /// A folder with settings and plugins of OpenCode.
    OpencodeConfigDir = "OPENCODE_CONFIG_DIR", Ignored;
    /// Pi's folder.
    PiDir = "PI_CODING_AGENT_DIR", Ignored;
    /// Pi's folder of sessions.
    PiSessionDir = "PI_CODING_AGENT_SESSION_DIR", Ignored;

    // What an agent tells about itself.
    /// The process of Claude Code that calls a hook; it sets that itself, whatever settings say.
    ClaudePid = "CLAUDE_PID", Ignored;
    /// Set in everything that Claude Code starts.
    InsideClaudeCode = "CLAUDECODE", Ignored;
    /// The session that a command of Pi runs in.
    PiSessionId = "PI_SESSION_ID", Ignored;
    /// The file of the session that a command of Pi runs in.
    PiSessionFile = "PI_SESSION_FILE", Ignored;
    /// Set in everything that OpenCode starts.
    InsideOpencode = "OPENCODE", Ignored;
    /// Set in everything that Pi starts.
    InsidePi = "PI_CODING_AGENT", Ignored;
    /// Set in what the Gemini CLI runs in a shell.
    InsideGemini = "GEMINI_CLI", Ignored;
    /// Set in what Cursor's agent runs in a shell.
    InsideCursor = "CURSOR_AGENT", Ignored;
    /// Set in what Codex runs in its sandbox.
    InsideCodex = "CODEX_SANDBOX", Ignored;
    /// Set by several agents to their name.
    InsideAgent = "AI_AGENT", Ignored;
    /// The folder that Claude Code was started in.
    ClaudeProjectDir = "CLAUDE_PROJECT_DIR", StopsEverything;
    /// The session that a command runs in.
    ClaudeSessionId = "CLAUDE_CODE_SESSION_ID", Ignored;
    /// Milliseconds that all hooks at the end of a session may take together.
    HookTimeout = "CLAUDE_CODE_SESSIONEND_HOOKS_TIMEOUT_MS", Ignored;

    // The terminal.
    /// Width of the terminal, in characters.
    Columns = "COLUMNS", Ignored;
}

impl Variable {
    /// The names of privacy mode. The strictest of their values holds.
    pub(crate) const PRIVACY_MODE: [Self; 3] = [
        Self::PrivacyMode,
        Self::AgentPrivacyMode,
        Self::OptionPrivacyMode,
    ];

    /// Whether a settings file that sets `name` sets this variable. Names are case-insensitive on
    /// Windows, and so they are here on every system.
    pub(crate) const fn is_named(self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    /// The option of the Claude Code plugin that stands for this setting, as Claude Code (2.1.329)
    /// hands it to the plugin's hooks and to nothing else, and only if the user has set it. A
    /// project's settings have no say in it.
    pub(crate) const fn option(self) -> Option<Self> {
        match self {
            Self::ApiKey => Some(Self::OptionApiKey),
            Self::PosthogHost => Some(Self::OptionHost),
            Self::PrivacyMode => Some(Self::OptionPrivacyMode),
            Self::TraceGrouping => Some(Self::OptionTraceGrouping),
            _ => None,
        }
    }

    /// Name of the plugin's option that arrives in this variable; `None` for every other variable.
    const fn option_name(self) -> Option<&'static str> {
        match self {
            Self::OptionApiKey => Some("api_key"),
            Self::OptionHost => Some("host"),
            Self::OptionPrivacyMode => Some("privacy_mode"),
            Self::OptionTraceGrouping => Some("trace_grouping"),
            _ => None,
        }
    }

    /// Whether an option of the plugin arrives in this variable.
    pub(crate) const fn is_option(self) -> bool {
        self.option_name().is_some()
    }

    /// The name that users know: that of the variable, or the option of the plugin.
    pub(crate) fn described(self) -> String {
        self.option_name().map_or_else(
            || self.to_string(),
            |name| format!("the plugin's option {name}"),
        )
    }
}

/// Parses a value that means yes or no, in any case; `None` for every other text.
pub(crate) fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_name_stands_twice() {
        let names: HashSet<&str> = Variable::ALL.iter().map(|it| it.name()).collect();
        assert_eq!(names.len(), Variable::ALL.len());
    }
}
