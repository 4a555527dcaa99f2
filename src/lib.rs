//! Turns AI sessions and model calls into PostHog LLM analytics.
//!
//! # Data flow
//!
//! ```text
//! transcript ─► sources ─► session ─► posthog ─► redact ─► outbox ─► deliver ─► transport ─► PostHog
//!               knows the  knows no   knows     only way  on disk,  acts on    bytes to
//!               file       file, no   PostHog   to a      crash     the        a URL
//!               format     vendor               Redacted  safe      answer
//! ```
//!
//! Two halves meet only in the outbox: [`pipeline`] (read, map, redact, store) and [`deliver`]
//! (claim, post, acknowledge, retry, park). A process may die on either side of it at any
//! instruction.
//!
//! # Where things are
//!
//! | to change | look in |
//! |---|---|
//! | how a transcript is read | [`sources`], one folder per agent |
//! | how requests of OpenTelemetry are decoded | [`otlp`]; what their spans mean: [`sources`] |
//! | the types that describe a session | [`session`] |
//! | names, makers and prices of models | [`models`] |
//! | the events sent to PostHog, their names and ids, the meaning of its answers | [`posthog`] |
//! | settings files and plugins of the agents | [`integrations`] |
//! | what counts as a secret | [`redact`] |
//! | the files of the state directory, and what survives a crash | [`outbox`], [`inbox`] |
//! | what clients of OpenTelemetry may send, and what they are answered | [`receive`] |
//! | by which routes they send, each with a project of its own | [`config`] (`serve.toml`) |
//! | what the local page shows, and to whom | `page`; the page itself: `ui/` |
//! | listening, and what connections may take | `server` |
//! | what events are as spans of OpenTelemetry, for other systems | `spans` |
//! | sums over events, by time, model, project, branch, pull request, agent, tool and user; costs of calls | [`usage`] |
//! | which sessions are excluded from sending | [`outbox`], [`commands`] (`pause`, `forget`) |
//! | retries, batches | [`deliver`], [`transport`] |
//! | which environment variables exist, and what a repository may do with them | `variables` |
//! | which projects are excluded, how private they are, where their sessions may be sent | [`consent`] |
//! | the meaning of settings | [`config`] |
//! | programs that are run for their output, and for how long | `subprocess` |
//! | a verb and what it prints | [`commands`], [`cli`] |
//! | facts that several commands and the page show alike | `views` |
//! | problems that are diagnosed, and their fixes | [`commands`] (`doctor`) |
//! | hashes that are stored on disk | [`fingerprint`] |
//! | which paths name the same folder | `paths` |
//! | how work is spread over processors | [`ahead`] |
//! | how the agents' hooks stay fast | [`commands`] (`hook`, `work`), `detached` |
//!
//! Everything outside the process (environment, clock, folders) comes from [`host`], Ctrl-C from
//! [`interrupt`]; all output goes through [`ui`].
//!
//! # Who imports whom
//!
//! A module imports those beside it, all of which are further down. `tests/architecture.rs` compares.
//!
//! | module | imports |
//! |---|---|
//! | `commands` | ahead, cli, config, consent, deliver, detached, files, fingerprint, git, host, inbox, integrations, interrupt, models, otlp, outbox, page, paths, pipeline, posthog, protobuf, receive, redact, server, session, sources, spans, subprocess, transport, ui, usage, variables, views |
//! | `page` | ahead, cli, config, consent, host, models, outbox, pipeline, posthog, redact, server, session, sources, transport, usage, variables, views |
//! | `views` | config, consent, deliver, host, inbox, integrations, outbox, pipeline, posthog, redact, session, sources, transport, variables |
//! | `pipeline` | ahead, config, consent, git, host, inbox, integrations, outbox, paths, posthog, redact, session, sources |
//! | `config` | consent, files, host, inbox, outbox, posthog, receive, session, subprocess, transport, variables |
//! | `receive` | inbox, otlp, redact, server |
//! | `consent` | files, git, host, integrations, outbox, paths, session, transport, variables |
//! | `spans` | otlp, posthog, redact |
//! | `deliver` | host, outbox, posthog, transport |
//! | `outbox` | files, fingerprint, paths, posthog, redact |
//! | `integrations` | files, git, host, paths, session, sources, variables |
//! | `sources` | fingerprint, host, inbox, models, otlp, paths, session, variables |
//! | `inbox` | files, otlp, redact |
//! | `redact` | otlp, posthog |
//! | `cli` | session, usage |
//! | `usage` | models, posthog, session |
//! | `posthog` | models, session, transport |
//! | `models` | session |
//! | `session` | fingerprint |
//! | `detached` | host, ui, variables |
//! | `host` | variables |
//! | `ahead` | |
//! | `files` | |
//! | `fingerprint` | |
//! | `git` | |
//! | `paths` | |
//! | `interrupt` | |
//! | `otlp` | protobuf |
//! | `protobuf` | |
//! | `server` | |
//! | `subprocess` | |
//! | `transport` | |
//! | `ui` | |
//! | `variables` | |

pub mod ahead;
pub mod cli;
pub mod commands;
pub mod config;
pub mod consent;
pub mod deliver;
mod detached;
mod files;
pub mod fingerprint;
pub mod git;
pub mod host;
pub mod inbox;
pub mod integrations;
pub mod interrupt;
pub mod models;
pub mod otlp;
pub mod outbox;
mod page;
mod paths;
pub mod pipeline;
pub mod posthog;
mod protobuf;
pub mod receive;
pub mod redact;
mod server;
pub mod session;
pub mod sources;
mod spans;
mod subprocess;
pub mod transport;
pub mod ui;
pub mod usage;
mod variables;
mod views;
