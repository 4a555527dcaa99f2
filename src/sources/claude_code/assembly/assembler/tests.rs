use chrono::{DateTime, Utc};
use serde_json::Value;

use super::*;
use crate::session::{
    Asks, Background, CallError, Order, OutputCount, Parameters, Retries, Role, StopReason,
    ToolCall, ToolResult, ToolTime, Usage, Work,
};
use crate::sources::claude_code::assembly::Origin;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap()
}

/// An assembler that was given one prompt.
fn prompted() -> Assembler {
    let mut assembler = Assembler::new(Agent::ClaudeCode, Earlier::default());
    assembler.saw(at(0));
    prompt(&mut assembler, "a", 0);
    assembler
}

fn prompt(assembler: &mut Assembler, id: &str, second: i64) {
    assembler.saw(at(second));
    assembler.turn(TurnStart {
        id: id.to_owned(),
        trigger: Trigger::Prompt,
        prompt: format!("prompt {id}"),
        at: at(second),
        circumstances: Arc::default(),
    });
}

/// A part of the response with that id, which the API answered.
fn part(id: &str, second: i64, blocks: Vec<Block>) -> ResponsePart {
    ResponsePart {
        thread: Thread::Main,
        origin: Origin {
            response: Some(format!("msg_{id}")),
            request: Some(format!("req_{id}")),
            line: Some(second.to_string()),
            ..Origin::default()
        },
        model: Some("claude-opus-5".to_owned()),
        provider: Some("anthropic"),
        usage: Some(Usage {
            output: 50,
            ..Usage::default()
        }),
        requested_at: Some(at(second - 1)),
        began_at: None,
        at: at(second),
        is_untimed: false,
        advisors: Vec::new(),
        retries: Retries::default(),
        stop_reason: Some(StopReason::Finished),
        given: None,
        setup: None,
        blocks,
        unkept: Vec::new(),
        parameters: Parameters::default(),
        error: None,
        circumstances: Arc::default(),
    }
}

fn text(text: &str) -> Block {
    Block::Text(text.to_owned())
}

fn call(id: &str) -> Block {
    Block::ToolCall(Box::new(ToolCall {
        id: id.to_owned(),
        name: "Bash".to_owned(),
        input: Value::Null,
        called_at: at(1),
        is_untimed: false,
        traced: None,
        asks: Asks::Never,
        order: Order::Unknown,
        time: ToolTime::default(),
        result: None,
        subagents: Vec::new(),
        circumstances: Arc::default(),
    }))
}

fn result(call: &str, second: i64) -> Message {
    let result = Arc::new(ToolResult {
        content: vec![text("done")],
        is_error: false,
        returned_at: at(second),
        is_untimed: false,
        duration_ms: None,
        permission: None,
        background: Background::No,
        web_searches: 0,
        work: Work::NONE,
    });
    Message {
        role: Role::User,
        content: vec![Block::ToolResult {
            call_id: call.to_owned(),
            result,
        }],
    }
}

fn turns(assembler: Assembler) -> Vec<Turn> {
    assembler.finish("session".to_owned()).unwrap().turns
}

#[test]
fn without_a_time_there_is_no_session() {
    let assembler = Assembler::new(Agent::ClaudeCode, Earlier::default());
    assert!(assembler.finish("session".to_owned()).is_none());
}

#[test]
fn the_parts_of_a_response_are_one_generation_whatever_is_between_them() {
    let mut assembler = prompted();
    assembler.response(part("1", 1, vec![text("one")]));
    assembler.input(Thread::Main, result("elsewhere", 2));
    assembler.response(part("1", 3, vec![text("two")]));
    let turns = turns(assembler);
    assert_eq!(turns[0].generations.len(), 1);
    assert_eq!(turns[0].generations[0].output.len(), 2);
}

#[test]
fn a_response_belongs_to_the_last_prompt_before_it() {
    let mut assembler = prompted();
    prompt(&mut assembler, "b", 5);
    assembler.response(part("1", 6, vec![text("answer")]));
    let counts = turns(assembler).into_iter().map(|it| it.generations.len());
    assert_eq!(counts.collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_prompt_that_is_written_again_begins_no_second_turn() {
    let mut assembler = prompted();
    prompt(&mut assembler, "a", 0);
    prompt(&mut assembler, "a", 7);
    let ids = turns(assembler).into_iter().map(|turn| turn.id);
    let later = at(7).timestamp_millis();
    assert_eq!(
        ids.collect::<Vec<_>>(),
        ["a".to_owned(), format!("a:{later}+")]
    );
}

#[test]
fn a_result_joins_its_call_and_is_input_of_the_next_response() {
    let mut assembler = prompted();
    assembler.response(part("1", 1, vec![call("toolu_1")]));
    assembler.input(Thread::Main, result("toolu_1", 2));
    assembler.response(part("2", 3, vec![text("done")]));
    let turns = turns(assembler);
    let [first, second] = turns[0].generations.as_slice() else {
        panic!("{turns:#?}");
    };
    let returned = first.tool_calls().map(|it| it.result.is_some());
    assert_eq!(returned.collect::<Vec<_>>(), [true]);
    assert_eq!(second.input.len(), 1);
}

#[test]
fn a_subagent_is_part_of_the_call_that_started_it() {
    let mut assembler = prompted();
    assembler.response(part("1", 1, vec![call("toolu_1")]));
    assembler.agent("scout", None, Some("toolu_1".to_owned()));
    assembler.response(ResponsePart {
        thread: Thread::Agent("scout".to_owned()),
        ..part("2", 2, vec![text("found")])
    });
    let turns = turns(assembler);
    let calls = turns[0].generations[0].tool_calls();
    let agents: Vec<&str> = calls
        .flat_map(|it| &it.subagents)
        .map(|it| it.id.as_str())
        .collect();
    assert_eq!(agents, ["scout"]);
}

#[test]
fn a_failed_call_leaves_its_input_to_the_next_one() {
    let mut assembler = prompted();
    assembler.input(Thread::Main, result("toolu_0", 1));
    assembler.response(ResponsePart {
        error: Some(CallError {
            kind: None,
            message: "overloaded".to_owned(),
            status: Some(529),
        }),
        ..part("1", 2, Vec::new())
    });
    assembler.response(part("2", 3, vec![text("answer")]));
    let inputs = turns(assembler)[0]
        .generations
        .iter()
        .map(|it| it.input.len())
        .collect::<Vec<_>>();
    assert_eq!(inputs, [1, 1]);
}

#[test]
fn a_small_count_without_a_stop_reason_is_a_placeholder() {
    for (stop_reason, output, expected) in [
        (None, 1, OutputCount::Placeholder),
        (None, 50, OutputCount::Final),
        (Some(StopReason::Finished), 1, OutputCount::Final),
    ] {
        let mut assembler = prompted();
        let mut part = part("1", 1, vec![text("answer")]);
        part.stop_reason = stop_reason;
        part.usage = Some(Usage {
            output,
            ..Usage::default()
        });
        assembler.response(part);
        let found = turns(assembler)[0].generations[0].output_count;
        assert_eq!(found, expected, "{output}");
    }
}
