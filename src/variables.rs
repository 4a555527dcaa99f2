//! Every environment variable that the program reads, and the rights of a value that was committed
//! with a repository.
//!
//! Everyone who can push to a repository can set any variable in its `.claude/settings.json`, and
//! Claude Code does not tell hooks which file set a value. [`Host`](crate::host::Host) reads only
//! the variables of this table, so that a new variable cannot be read before its rights are
//! decided.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The rights of a value that was committed with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfCommitted {
    /// None: the user's own value applies.
    Ignored,
    /// Switch off, never on: a project that says no is left alone.
    SwitchesOff,
    /// More privacy, never less: decided for each session by the project it worked in; the stricter
    /// of project and user applies.
    Stricter,
    /// Choose where the sessions of its project are sent, after the user has confirmed the choice.
    ChoosesDestination,
    /// None. Libraries read these variables themselves, so a replaced value only affects processes
    /// started later: a process that has the repository's value sends nothing.
    NeverRoutes,
    /// Move folders that contain the user's own decisions: nothing is read or sent.
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
            /// All variables.
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
    // Destination and network.
    /// Key of the PostHog project.
    ApiKey = "POSTHOG_API_KEY", ChoosesDestination;
    /// Path of a file with the key of the PostHog project.
    ApiKeyFile = "POSTHOG_API_KEY_FILE", Ignored;
    /// Command that prints the key of the PostHog project.
    ApiKeyCommand = "POSTHOG_API_KEY_COMMAND", Ignored;
    /// Address of PostHog.
    PosthogHost = "POSTHOG_HOST", ChoosesDestination;
    /// The plugin's option `api_key`.
    OptionApiKey = "CLAUDE_PLUGIN_OPTION_API_KEY", Ignored;
    /// The plugin's option `host`.
    OptionHost = "CLAUDE_PLUGIN_OPTION_HOST", Ignored;
    /// Proxy for plain HTTP.
    HttpProxy = "HTTP_PROXY", NeverRoutes;
    /// Proxy for HTTPS.
    HttpsProxy = "HTTPS_PROXY", NeverRoutes;
    /// Proxy for everything.
    AllProxy = "ALL_PROXY", NeverRoutes;
    /// Hosts that are called without a proxy.
    NoProxy = "NO_PROXY", NeverRoutes;
    /// Another spelling of `HTTP_PROXY`; both are in use.
    HttpProxyInSmall = "http_proxy", NeverRoutes;
    /// Another spelling of `HTTPS_PROXY`.
    HttpsProxyInSmall = "https_proxy", NeverRoutes;
    /// Another spelling of `ALL_PROXY`.
    AllProxyInSmall = "all_proxy", NeverRoutes;
    /// Another spelling of `NO_PROXY`.
    NoProxyInSmall = "no_proxy", NeverRoutes;
    /// File with trusted certificates.
    CertificateFile = "SSL_CERT_FILE", NeverRoutes;
    /// Folder with trusted certificates.
    CertificateFolder = "SSL_CERT_DIR", NeverRoutes;

    // On and off.
    /// Whether Claude Code's hooks do anything.
    CcEnabled = "POSTHOG_LLMA_CC_ENABLED", SwitchesOff;
    /// Whether the hooks of other agents do anything.
    Enabled = "POSTHOG_ENABLED", Ignored;

    // Privacy.
    /// Whether content is left out.
    PrivacyMode = "POSTHOG_LLMA_PRIVACY_MODE", Stricter;
    /// PostHog's name for privacy mode with Pi and OpenCode.
    AgentPrivacyMode = "POSTHOG_PRIVACY_MODE", Stricter;
    /// The plugin's option `privacy_mode`.
    OptionPrivacyMode = "CLAUDE_PLUGIN_OPTION_PRIVACY_MODE", Stricter;
    /// Whether prompts and tool inputs are sent.
    RecordInputs = "POSTHOG_LLMA_RECORD_INPUTS", Stricter;
    /// Whether answers and tool outputs are sent.
    RecordOutputs = "POSTHOG_LLMA_RECORD_OUTPUTS", Stricter;
    /// File with redaction rules.
    RedactFile = "POSTHOG_LLMA_REDACT_FILE", Stricter;

    // Attribution and mapping.
    /// The person that sessions are attributed to.
    DistinctId = "POSTHOG_LLMA_DISTINCT_ID", Ignored;
    /// PostHog's name for the distinct id with Pi and OpenCode.
    AgentDistinctId = "POSTHOG_DISTINCT_ID", Ignored;
    /// The extent of a trace.
    TraceGrouping = "POSTHOG_LLMA_TRACE_GROUPING", Ignored;
    /// PostHog's name for trace grouping with Pi.
    AgentTraceGrouping = "POSTHOG_TRACE_GROUPING", Ignored;
    /// The plugin's option `trace_grouping`.
    OptionTraceGrouping = "CLAUDE_PLUGIN_OPTION_TRACE_GROUPING", Ignored;
    /// Minutes of silence that end a trace.
    SessionWindow = "POSTHOG_LLMA_SESSION_WINDOW_MINUTES", Ignored;
    /// PostHog's name for the session window with Pi and OpenCode.
    AgentSessionWindow = "POSTHOG_SESSION_WINDOW_MINUTES", Ignored;
    /// Whether turns are spans.
    TurnSpans = "POSTHOG_LLMA_TURN_SPANS", Ignored;
    /// How much of a conversation is repeated with every call.
    Input = "POSTHOG_LLMA_INPUT", Ignored;
    /// Maximum size of a tool input or output, in bytes.
    MaxAttributeLength = "POSTHOG_LLMA_MAX_ATTRIBUTE_LENGTH", Ignored;
    /// PostHog's name for that limit with Pi and OpenCode.
    AgentMaxAttributeLength = "POSTHOG_MAX_ATTRIBUTE_LENGTH", Ignored;
    /// Name of the project in PostHog.
    ProjectName = "POSTHOG_PROJECT_NAME", Ignored;
    /// Name of the agent in PostHog.
    AgentName = "POSTHOG_AGENT_NAME", Ignored;
    /// Purpose of the calls.
    Purpose = "POSTHOG_AI_PURPOSE", Ignored;
    /// Properties on every event, as `name:value` pairs.
    Tags = "POSTHOG_TAGS", Ignored;
    /// Properties on every event, as JSON.
    CustomProperties = "POSTHOG_LLMA_CUSTOM_PROPERTIES", Ignored;

    // Storage.
    /// State directory, with the outbox.
    StateDir = "POSTHOG_LLMA_STATE_DIR", Ignored;
    /// Maximum size of waiting events, in bytes.
    MaxOutboxBytes = "POSTHOG_LLMA_MAX_OUTBOX_BYTES", Ignored;
    /// Maximum size of the inbox, in bytes on disk.
    MaxInboxBytes = "POSTHOG_LLMA_MAX_INBOX_BYTES", Ignored;
    /// Days for which received data are kept.
    InboxDays = "POSTHOG_LLMA_INBOX_DAYS", Ignored;

    // The receiver.
    /// The secret that clients of `serve` send.
    ServeToken = "POSTHOG_LLMA_SERVE_TOKEN", Ignored;

    // The end of a session.
    /// How long the hook at the end of a session waits.
    Wait = "POSTHOG_LLMA_WAIT", Ignored;
    /// Set by most services that run builds and tests.
    Ci = "CI", Ignored;
    /// Address of the GitHub on which a job runs.
    GithubServer = "GITHUB_SERVER_URL", Ignored;
    /// Owner and name of the repository of a job at GitHub.
    GithubRepository = "GITHUB_REPOSITORY", Ignored;
    /// Git reference that a job at GitHub checks out: `refs/pull/12/merge` for a pull request.
    GithubRef = "GITHUB_REF", Ignored;
    /// Branch of the pull request that started a job at GitHub.
    GithubHeadRef = "GITHUB_HEAD_REF", Ignored;

    // Locations.
    /// The user's home directory.
    Home = "HOME", StopsEverything;
    /// The user's home directory on Windows.
    UserProfile = "USERPROFILE", StopsEverything;
    /// Configuration folder on Windows.
    AppData = "APPDATA", StopsEverything;
    /// State folder on Windows.
    LocalAppData = "LOCALAPPDATA", StopsEverything;
    /// Configuration folder, which contains the user's confirmations.
    XdgConfigHome = "XDG_CONFIG_HOME", StopsEverything;
    /// Claude Code's folder, with the user's own settings.
    ClaudeConfigDir = "CLAUDE_CONFIG_DIR", StopsEverything;
    /// Folder for state.
    XdgStateHome = "XDG_STATE_HOME", Ignored;
    /// Folder for data, which contains OpenCode's database.
    XdgDataHome = "XDG_DATA_HOME", Ignored;
    /// Folder for caches, which contains the packages that OpenCode loads.
    XdgCacheHome = "XDG_CACHE_HOME", Ignored;
    /// Path of OpenCode's database.
    OpencodeDb = "OPENCODE_DB", Ignored;
    /// A file with settings of OpenCode.
    OpencodeConfig = "OPENCODE_CONFIG", Ignored;
    /// Settings of OpenCode as text.
    OpencodeConfigContent = "OPENCODE_CONFIG_CONTENT", Ignored;
    /// Whether OpenCode ignores settings in projects.
    OpencodeWithoutProjects = "OPENCODE_DISABLE_PROJECT_CONFIG", Ignored;
    /// A folder with settings and plugins of OpenCode.
    OpencodeConfigDir = "OPENCODE_CONFIG_DIR", Ignored;
    /// Pi's folder.
    PiDir = "PI_CODING_AGENT_DIR", Ignored;
    /// Pi's folder of sessions.
    PiSessionDir = "PI_CODING_AGENT_SESSION_DIR", Ignored;

    // Information from agents.
    /// Process id of the Claude Code that calls a hook. Claude Code sets it itself, whatever
    /// settings say.
    ClaudePid = "CLAUDE_PID", Ignored;
    /// Set in every process that Claude Code starts.
    InsideClaudeCode = "CLAUDECODE", Ignored;
    /// Id of the Pi session that runs a command.
    PiSessionId = "PI_SESSION_ID", Ignored;
    /// File of the Pi session that runs a command.
    PiSessionFile = "PI_SESSION_FILE", Ignored;
    /// Set in every process that OpenCode starts.
    InsideOpencode = "OPENCODE", Ignored;
    /// Set in every process that Pi starts.
    InsidePi = "PI_CODING_AGENT", Ignored;
    /// Set in shell commands of the Gemini CLI.
    InsideGemini = "GEMINI_CLI", Ignored;
    /// Set in shell commands of Cursor's agent.
    InsideCursor = "CURSOR_AGENT", Ignored;
    /// Set in the sandbox of Codex.
    InsideCodex = "CODEX_SANDBOX", Ignored;
    /// Set by several agents to their names.
    InsideAgent = "AI_AGENT", Ignored;
    /// The folder that Claude Code was started in.
    ClaudeProjectDir = "CLAUDE_PROJECT_DIR", StopsEverything;
    /// Id of the Claude Code session that runs a command.
    ClaudeSessionId = "CLAUDE_CODE_SESSION_ID", Ignored;
    /// The program that Claude Code was started through, such as `cli` or `sdk-ts`.
    ClaudeEntrypoint = "CLAUDE_CODE_ENTRYPOINT", Ignored;
    /// Whether a person attends the Claude Code that calls a hook: `1` or `0`.
    ClaudeAttended = "CLAUDE_CODE_SESSION_ATTENDED", Ignored;
    /// Time limit for all hooks at the end of a session together, in milliseconds.
    HookTimeout = "CLAUDE_CODE_SESSIONEND_HOOKS_TIMEOUT_MS", Ignored;

    // The terminal.
    /// Width of the terminal, in characters.
    Columns = "COLUMNS", Ignored;
}

impl Variable {
    /// The variables for privacy mode. The strictest of their values applies.
    pub(crate) const PRIVACY_MODE: [Self; 3] = [
        Self::PrivacyMode,
        Self::AgentPrivacyMode,
        Self::OptionPrivacyMode,
    ];

    /// The variables for the key, in order of precedence.
    pub(crate) const API_KEY: [Self; 4] = [
        Self::ApiKey,
        Self::ApiKeyFile,
        Self::ApiKeyCommand,
        Self::OptionApiKey,
    ];

    /// Whether a settings file that sets `name` sets this variable. Names are case-insensitive on
    /// Windows, and are compared that way on every system.
    pub(crate) const fn is_named(self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    /// The option of the Claude Code plugin for this setting. Claude Code (2.1.329) passes it to
    /// the plugin's hooks only, and only if the user has set it. A project's settings cannot change
    /// it.
    pub(crate) const fn option(self) -> Option<Self> {
        match self {
            Self::ApiKey => Some(Self::OptionApiKey),
            Self::PosthogHost => Some(Self::OptionHost),
            Self::PrivacyMode => Some(Self::OptionPrivacyMode),
            Self::TraceGrouping => Some(Self::OptionTraceGrouping),
            _ => None,
        }
    }

    /// Name of the plugin's option that is passed in this variable; `None` for every other
    /// variable.
    const fn option_name(self) -> Option<&'static str> {
        match self {
            Self::OptionApiKey => Some("api_key"),
            Self::OptionHost => Some("host"),
            Self::OptionPrivacyMode => Some("privacy_mode"),
            Self::OptionTraceGrouping => Some("trace_grouping"),
            _ => None,
        }
    }

    /// Whether an option of the plugin is passed in this variable.
    pub(crate) const fn is_option(self) -> bool {
        self.option_name().is_some()
    }

    /// The name that users know: the variable's name, or the plugin's option.
    pub(crate) fn described(self) -> String {
        self.option_name().map_or_else(
            || self.to_string(),
            |name| format!("the plugin's option {name}"),
        )
    }
}

/// Parses a yes-or-no value, in any case; `None` for any other text.
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
    fn every_name_is_unique() {
        let names: HashSet<&str> = Variable::ALL.iter().map(|it| it.name()).collect();
        assert_eq!(names.len(), Variable::ALL.len());
    }
}
