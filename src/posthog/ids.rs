//! Identities of events: pure functions of the transcript, so that an event that is sent twice has
//! the same identity both times.

use uuid::Uuid;

use crate::session::{Agent, Generation, ToolCall};

/// Namespace of this program's UUIDv5 identities. It must never change.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0d_1c52_9a7e_5b43_8c1d_2f6e_7a90_4b38);

fn id(agent: Agent, kind: &str, parts: [&str; 2]) -> Uuid {
    let name = [agent.as_str(), kind, parts[0], parts[1]].join("\u{1f}");
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// The namespace of a project's identities. Two projects may get the same trace, and the ledger
/// contains each identity once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Namespace(Option<Uuid>);

impl Namespace {
    /// The namespace of a project other than that of the settings.
    #[must_use]
    pub fn of_project(host: &str, api_key: &str) -> Self {
        let name = ["project", host, api_key].join("\u{1f}");
        Self(Some(Uuid::new_v5(&NAMESPACE, name.as_bytes())))
    }

    /// The identity of an event in the project.
    #[must_use]
    pub fn id(&self, event: Uuid) -> Uuid {
        let project = self.0.as_ref();
        project.map_or(event, |it| Uuid::new_v5(it, event.as_bytes()))
    }

    /// Whether it is the namespace of the settings' project.
    #[must_use]
    pub const fn is_of_settings(&self) -> bool {
        self.0.is_none()
    }
}

/// A generation, identified by its response, whichever session or file holds the copy.
#[must_use]
pub fn generation(agent: Agent, response: &str) -> Uuid {
    id(agent, "generation", [response, ""])
}

/// A generation of a session: identified by its request if an agent's telemetry reports it, since
/// the transcript names the request too; otherwise by its response.
#[must_use]
pub fn call(agent: Agent, generation: &Generation) -> Uuid {
    let reported = requested(generation).filter(|_| generation.traced.is_some());
    reported.unwrap_or_else(|| self::generation(agent, &generation.id))
}

/// The identity of a call of Claude Code in its telemetry.
#[must_use]
pub fn requested(generation: &Generation) -> Option<Uuid> {
    let request = generation.request.as_deref()?;
    Some(self::generation(Agent::ClaudeCode, request))
}

/// The identities of a call by its other reports, which may be in other traces.
pub fn reported(agent: Agent, generation: &Generation) -> impl Iterator<Item = Uuid> {
    let reports = generation.traced.iter().flat_map(|it| &it.others);
    reports.map(move |report| self::generation(agent, &report.id))
}

/// The identities under which other sources report the call. By the id of its response: a call of a
/// trace as in a transcript, and the reverse. By the id of the first tool that it asked for:
/// likewise, since OpenRouter gives responses ids of its own and passes on those of tools. By the
/// id of its request: a call in a transcript as in the agent's telemetry.
pub fn elsewhere(agent: Agent, generation: &Generation) -> impl Iterator<Item = Uuid> {
    let response = generation.response.as_deref();
    let by_response = response.map(|it| match agent {
        Agent::Otlp => in_transcript(it),
        Agent::ClaudeCode | Agent::Pi | Agent::OpenCode => in_trace(it),
    });
    let by_tool = drawn_tool(generation).map(|call| match agent {
        Agent::Otlp => tool_in_transcript(call),
        Agent::ClaudeCode | Agent::Pi | Agent::OpenCode => tool_in_trace(call),
    });
    let in_telemetry = requested(generation).filter(|_| generation.traced.is_none());
    [by_response, by_tool, in_telemetry].into_iter().flatten()
}

/// Further identities of a call, under which other sources search for it: see [`elsewhere`].
pub fn aliases(agent: Agent, generation: &Generation) -> impl Iterator<Item = Uuid> {
    let response = generation.response.as_deref();
    let by_response = response.map(|it| match agent {
        Agent::Otlp => in_trace(it),
        Agent::ClaudeCode | Agent::Pi | Agent::OpenCode => in_transcript(it),
    });
    let by_tool = drawn_tool(generation).map(|call| match agent {
        Agent::Otlp => tool_in_trace(call),
        Agent::ClaudeCode | Agent::Pi | Agent::OpenCode => tool_in_transcript(call),
    });
    let of_tool = drawn_tool(generation).map(|it| tool(agent, &generation.id, it));
    // The identities of the event itself need no alias.
    let own = [Some(call(agent, generation)), of_tool];
    let all = [by_response, by_tool].into_iter().flatten();
    all.filter(move |it| !own.contains(&Some(*it)))
}

/// The identity of a call in a transcript.
fn in_transcript(response: &str) -> Uuid {
    generation(Agent::ClaudeCode, response)
}

/// The identity of a call in a trace: that of its event, if OpenRouter gave the response its id.
/// Other traces are not searched for it, since doubles of providers give all responses the same id.
fn in_trace(response: &str) -> Uuid {
    if is_of_openrouter(response) {
        generation(Agent::Otlp, response)
    } else {
        id(Agent::Otlp, "response", [response, ""])
    }
}

/// The id of the first tool call in a response, if it was drawn at random.
fn drawn_tool(generation: &Generation) -> Option<&str> {
    let first = generation.tool_calls().next();
    first
        .filter(|call| call.has_drawn_id())
        .map(|call| call.id.as_str())
}

/// The identity of a tool call in a transcript of Claude Code, whatever its response.
fn tool_in_transcript(call: &str) -> Uuid {
    id(Agent::ClaudeCode, "tool", [call, ""])
}

/// The identity of the call in a trace that asked for a tool.
fn tool_in_trace(call: &str) -> Uuid {
    id(Agent::Otlp, "asked", [call, ""])
}

/// The span of a tool call, identified by the call and its response. Many providers restart the ids
/// of their calls with each turn or session; ids in Anthropic's form are globally unique, so a call
/// with such an id, in a response with such an id, is identified by the call alone.
#[must_use]
pub fn tool(agent: Agent, response: &str, call: &str) -> Uuid {
    if agent == Agent::ClaudeCode && is_of_anthropic(response, call) {
        tool_in_transcript(call)
    } else {
        id(agent, "tool", [response, call])
    }
}

/// The span of a tool call: identified by its own execution if the application reports it, since
/// the call that asked for it may become known later. OpenRouter's report also contains the tool
/// calls of its requests, so these are identified by the request.
#[must_use]
pub fn tool_of(agent: Agent, trace: &str, generation: &Generation, call: &ToolCall) -> Uuid {
    let is_one = || {
        generation
            .tool_calls()
            .filter(|it| it.id == call.id)
            .count()
            == 1
    };
    match &call.traced {
        Some(_) if agent == Agent::Otlp && is_of_openrouter(&generation.id) && is_one() => {
            tool(agent, &generation.id, &call.id)
        }
        Some(traced) => operation(agent, trace, &traced.span),
        None => tool(agent, &generation.id, &call.id),
    }
}

/// Whether OpenRouter gave a response its id: the time, and 20 random characters.
fn is_of_openrouter(response: &str) -> bool {
    response.starts_with("gen-") && response.len() >= 24
}

/// A piece of work that the application itself gave an id.
#[must_use]
pub fn operation(agent: Agent, trace: &str, span: &str) -> Uuid {
    id(agent, "span", [trace, span])
}

fn is_of_anthropic(response: &str, call: &str) -> bool {
    let is_plain = |text: &str| {
        text.bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'_')
    };
    let drawn = call.strip_prefix("toolu_").filter(|it| is_plain(it));
    let is_drawn = |it: &str| it.bytes().any(|it| it.is_ascii_alphabetic());
    response.starts_with("msg_") && is_plain(response) && drawn.is_some_and(is_drawn)
}

/// The span of a turn, identified by session and prompt, since a fork repeats the prompt.
#[must_use]
pub fn turn(agent: Agent, session: &str, turn: &str) -> Uuid {
    id(agent, "turn", [session, turn])
}

/// The trace of a session.
#[must_use]
pub fn session_trace(agent: Agent, session: &str) -> Uuid {
    id(agent, "trace", [session, ""])
}

/// The trace of a turn, with message grouping.
#[must_use]
pub fn turn_trace(agent: Agent, session: &str, turn: &str) -> Uuid {
    id(agent, "trace", [session, turn])
}

/// Usage of a model that only an entry of the agent's books shows.
#[must_use]
pub fn unlisted(agent: Agent, session: &str, statement: u64, model: &str) -> Uuid {
    id(
        agent,
        "unlisted",
        [session, &format!("{statement}\u{1f}{model}")],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_never_change() {
        // These values are in the ledgers of users: a change sends everything twice.
        let agent = Agent::ClaudeCode;
        let ids = [
            generation(agent, "msg_1"),
            tool(agent, "msg_1", "toolu_01A"),
            tool(agent, "chatcmpl-1", "functions.Bash:0"),
            turn(agent, "s", "t"),
            session_trace(agent, "s"),
            turn_trace(agent, "s", "t"),
        ];
        assert_eq!(
            ids.map(|id| id.to_string()),
            [
                "2c520911-5105-54b8-b844-3848c50b98b9",
                "fb157c0b-7590-5801-9968-6d671ceb6f34",
                "7ecf2e4f-250f-5bf2-8c79-183edbb7c7b1",
                "2c75e1fd-31d3-5e80-b27a-66e8c67dbadf",
                "a54a41d3-d822-50a8-8816-cc7f814f0c43",
                "e96efc79-6ace-52fc-8b1b-9dd082f1d307",
            ]
        );
    }
}
