//! The output of `status`.

use std::fs;

use crate::doctor::machine::Machine;
use crate::support::env::{API_KEY, Run, in_home};
use crate::support::posthog::Fault;
use crate::support::process::wait_for;
use crate::support::scene::SOON;
use crate::support::session::Session;

fn status(machine: &Machine) -> Run {
    machine.scene.env.command(["status"])
}

/// The configuration folder is that of Linux.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_shown() {
    let machine = Machine::healthy();
    let trust = machine
        .scene
        .env
        .home()
        .join(".config/posthog-llma/trust.json");
    let trust = machine.scene.env.write(trust, "{");
    let shown = status(&machine).run().code(1);
    shown
        .says(&format!("on, by {}", in_home(".claude/settings.json")))
        .says("nothing is sent: ")
        .says("remove it and confirm again")
        .says("00000000");
    fs::remove_file(trust).expect("it is ours");

    let outbox = machine.scene.env.state().join("outbox.db");
    fs::write(outbox, "no database at all").expect("it is ours");
    let shown = status(&machine).run().code(1);
    shown
        .says(&format!("on, by {}", in_home(".claude/settings.json")))
        .says("outbox.db is damaged")
        .says(&machine.scene.posthog.url());
    let json = status(&machine).argument("--json").run().code(1);
    json.says("outbox.db is damaged; posthog-llma flush");
}

#[test]
fn a_plugin_that_claude_code_cannot_load_is_said() {
    let machine = Machine::healthy();
    let checkout = machine.add_marketplace();
    status(&machine)
        .run()
        .success()
        .never_mentions("cannot load");
    fs::remove_dir_all(checkout).expect("it is ours");
    let shown = status(&machine).run().success();
    shown.says("Claude Code cannot load it");
}

#[test]
fn the_next_try_is_told_as_what_causes_it_and_never_in_the_past() {
    let machine = Machine::healthy();
    machine.scene.posthog.set(Fault::status(401));
    machine.end(&Session::write(&machine.scene.env, 2, 1));
    let shown = status(&machine).run().success();
    shown.says("next try with the first session after tomorrow");
    machine.change_outbox("UPDATE destinations SET not_before = 1");
    let shown = status(&machine).run().success();
    shown.says("next try with the next session, or now with posthog-llma flush");
}

#[test]
fn a_run_that_sent_nothing_while_events_wait_is_not_called_ok() {
    let machine = Machine::healthy();
    machine.scene.posthog.set(Fault::status(401));
    machine.end(&Session::write(&machine.scene.env, 2, 1));
    // The destination is paused for a day.
    machine.end(&Session::write(&machine.scene.env, 3, 1));
    let shown = status(&machine).run().success();
    shown.says(": nothing sent, ").never_mentions(": ok");
}

#[test]
fn a_run_is_in_the_log_before_it_waits_for_the_network() {
    let machine = Machine::before_any_session();
    // No server listens: the detached process tries for two minutes.
    let hook = machine.scene.hook(&machine.session);
    let hook = hook
        .env("POSTHOG_API_KEY", API_KEY)
        .env("POSTHOG_LLMA_CC_ENABLED", "true")
        .env("POSTHOG_HOST", "http://127.0.0.1:9");
    machine.variable("POSTHOG_HOST", "http://127.0.0.1:9");
    hook.run().success().silent();
    wait_for("the run is in the log", SOON, || {
        let runs = machine.scene.status()["runs"].clone();
        (runs[0]["session"] == machine.session.id.as_str()).then_some(())
    });
    status(&machine)
        .run()
        .success()
        .says("session end of 00000000");
}

#[test]
fn a_session_start_does_not_hide_the_last_session_end() {
    let machine = Machine::healthy();
    machine.change_outbox(
        "INSERT INTO runs (at, verb, session, duration, sent, error, warnings)
         SELECT at + 1, 'session start', NULL, 1, 0, NULL, '[]' FROM runs",
    );
    assert_eq!(machine.scene.status()["runs"][0]["verb"], "session start");
    status(&machine)
        .run()
        .success()
        .says("session end of 00000000");
    machine.doctor().success().says("session end of 00000000");
}

#[test]
fn sessions_that_are_not_shown_are_counted() {
    let machine = Machine::healthy();
    for number in 2..8 {
        Session::write(&machine.scene.env, number, 1);
    }
    machine
        .scene
        .env
        .run(["ingest", "--all", "--yes"])
        .success();
    let shown = status(&machine).run().success();
    shown.says("and 3 more").says("/llm-analytics/traces/");
    assert_eq!(machine.scene.status()["sessions_total"], 7);
}

#[test]
fn a_good_setup_needs_nothing_before_claude_code_has_run() {
    let machine = Machine::before_any_session();
    let projects = machine.scene.env.claude().join("projects");
    fs::remove_dir_all(projects).expect("it is ours");
    machine.doctor().success().says("nothing needs you");
    assert_eq!(machine.check("transcripts")["verdict"], "note");
}

#[test]
fn one_cause_is_one_problem() {
    let machine = Machine::before_any_session();
    // Events wait for a host that nobody confirmed.
    let host = "https://posthog.invalid";
    machine.variable("POSTHOG_HOST", host);
    let hook = machine.scene.hook(&machine.session);
    let hook = hook
        .env("POSTHOG_API_KEY", API_KEY)
        .env("POSTHOG_LLMA_CC_ENABLED", "true")
        .env("POSTHOG_HOST", host);
    hook.run().success().silent();
    machine.scene.settle();
    let doctor = machine.doctor().code(1);
    doctor.says("events wait").says("1 problem to solve");
    assert_eq!(machine.check("host")["verdict"], "problem");
    assert_eq!(machine.check("outbox")["verdict"], "note");
}

#[test]
fn the_short_status_is_one_line_whatever_is_wrong() {
    type Make = fn(&Machine);
    let table: [(&str, Make); 5] = [
        ("posthog-llma: on, 00000000 sent today", |_| ()),
        ("events waiting", |machine| {
            machine.scene.posthog.set(Fault::status(401));
            machine.end(&Session::write(&machine.scene.env, 2, 1));
        }),
        ("posthog-llma: off", |machine| {
            machine.variable("POSTHOG_LLMA_CC_ENABLED", "false");
        }),
        ("posthog-llma: off in this folder", |machine| {
            let file = machine.scene.env.project().join(".posthog-llma-ignore");
            machine.scene.env.write(file, "");
        }),
        (
            "posthog-llma: nothing is sent, see posthog-llma doctor",
            |machine| {
                let outbox = machine.scene.env.state().join("outbox.db");
                fs::write(outbox, "no database at all").expect("it is ours");
            },
        ),
    ];
    for (expected, make) in table {
        let machine = Machine::healthy();
        make(&machine);
        let outcome = status(&machine).argument("--short").run().success();
        assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.stdout);
        outcome.says(expected);
    }
}

#[test]
fn the_page_of_a_session_is_where_it_was_sent_whatever_the_settings_name_now() {
    let machine = Machine::healthy();
    let page = format!("trace    {}", machine.scene.posthog.url());
    status(&machine).run().success().says(&page);
    machine.variable("POSTHOG_HOST", "https://eu.i.posthog.com");
    status(&machine).run().success().says(&page);
    machine.scene.env.run(["setup", "--remove"]).success();
    status(&machine).run().says(&page);
}

#[test]
fn the_next_try_of_a_process_that_waits_is_not_left_to_the_next_session() {
    let machine = Machine::healthy();
    let session = Session::write(&machine.scene.env, 2, 1);
    machine.scene.posthog.set(Fault::status(503));
    let hook = machine.scene.hook(&session);
    hook.env("POSTHOG_API_KEY", API_KEY)
        .env("POSTHOG_LLMA_CC_ENABLED", "true")
        .env("POSTHOG_HOST", machine.scene.posthog.url())
        .env("POSTHOG_LLMA_WAIT", "never")
        .run()
        .success();
    wait_for("a process waits", SOON, || {
        let shown = status(&machine).run().stdout;
        let shown: Vec<&str> = shown.split_whitespace().collect();
        let shown = shown.join(" ");
        let is_retried = shown.contains("next try today") || shown.contains("next try in a moment");
        is_retried.then_some(())
    });
}

#[test]
fn one_line_says_that_the_key_is_refused() {
    let machine = Machine::healthy();
    machine.scene.posthog.set(Fault::status(401));
    machine.end(&Session::write(&machine.scene.env, 2, 1));
    let short = status(&machine).argument("--short").run().success();
    short
        .says("posthog-llma: refused, ")
        .says("see posthog-llma doctor");
}

#[test]
fn a_failure_is_told_with_its_time() {
    let machine = Machine::healthy();
    machine.scene.posthog.set(Fault::status(401));
    machine.end(&Session::write(&machine.scene.env, 2, 1));
    status(&machine)
        .run()
        .success()
        .says("check POSTHOG_API_KEY (today");
    let outbox = machine.check("outbox")["found"].to_string();
    assert!(outbox.contains("check POSTHOG_API_KEY (today"), "{outbox}");
}

#[test]
fn commands_say_what_is_the_case_and_no_more() {
    let machine = Machine::before_any_session();
    let env = &machine.scene.env;
    env.run(["flush"]).success().complains("nothing waits");
    let id = &machine.session.id;
    let forget = env.run(["forget", id]).success();
    forget.complains("is forgotten: neither hooks nor ingest send it");
    env.run(["resume"])
        .code(2)
        .complains("name the forgotten one");
    let resume = env.run(["resume", id]).success();
    resume.complains("the next session of Claude Code");
    std::fs::remove_file(&machine.session.path).expect("it is ours");
    let pause = env.run(["pause"]).code(2);
    pause.complains("`posthog-llma doctor` says where they are looked for");
}
