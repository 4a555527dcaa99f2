//! Arguments of `serve`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `serve`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  posthog-llma serve                         for applications on this machine
  posthog-llma serve --listen 0.0.0.0:4318 --token-file /etc/posthog-llma/token
                                             for those of other machines too
  posthog-llma serve --token-file token --openrouter-key production
                                             for OpenRouter, behind a proxy
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 node app.js
                                             sends to it

What is received is redacted and stored before it is acknowledged. A trace is sent when its root \
has come and nothing new for 5 seconds, or nothing new for a minute. Without POSTHOG_API_KEY, \
everything is kept until there is one. POSTHOG_LLMA_SERVE_TOKEN sets a token, too. Several tokens, each \
with a project of its own, stand in serve.toml in the folder posthog-llma of your configuration.

Ctrl-C, or the signal that ends a service, stops it: what was received is kept.

Exit status: 0 stopped, 1 it cannot store or send, 2 wrong use.")]
pub struct Serve {
    /// Address to listen on
    ///
    /// Any other than loopback needs a token. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4318")]
    pub(crate) listen: String,
    /// File with the token that clients have to send
    ///
    /// As Authorization: Bearer, as the password of Authorization: Basic, or as
    /// X-PostHog-Llma-Token.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Another header that may hold the token
    ///
    /// For clients that can set no Authorization.
    #[arg(long, value_name = "HEADER")]
    pub(crate) token_header: Option<String>,
    /// Take only OpenRouter's deliveries that were made with the key of this name
    ///
    /// May be given several times. Others are answered with 200 and left out, and status counts them.
    #[arg(long, value_name = "NAME")]
    pub(crate) openrouter_key: Vec<String>,
    /// Send the made-up request of OpenRouter's "Send trace", too
    #[arg(long)]
    pub(crate) openrouter_tests: bool,
}
