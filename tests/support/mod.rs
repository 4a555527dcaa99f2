//! Support for the tests: doubles of the servers that a session talks to, and a place to run the
//! program in. Every server here listens only on loopback.
#![allow(
    dead_code,
    reason = "every test target compiles all of the support and uses its own part"
)]

pub(crate) mod anthropic;
pub(crate) mod capture;
#[cfg(unix)]
pub(crate) mod dialogue;
pub(crate) mod env;
pub(crate) mod events;
pub(crate) mod http;
pub(crate) mod independent;
#[cfg(target_os = "linux")]
pub(crate) mod lab;
pub(crate) mod library;
pub(crate) mod openai;
pub(crate) mod openrouter;
pub(crate) mod posthog;
pub(crate) mod process;
pub(crate) mod rendering;
pub(crate) mod scene;
pub(crate) mod session;
pub(crate) mod shared;
pub(crate) mod shell;
pub(crate) mod stop;
pub(crate) mod tls;
