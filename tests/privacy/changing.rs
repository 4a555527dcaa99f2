//! Settings that change during a session, and folders outside the project: the hook's judgement is
//! kept and not repeated.

use std::fs;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use crate::support::env::Run;
use crate::support::posthog::PostHog;
use crate::support::process::{Process, kill_all};
use crate::support::scene::Scene;
use crate::support::session::Session;

/// A word of every prompt that [`Session`] writes.
const CONTENT: &str = "prompt 1 of session";
const OTHER_KEY: &str = "phc_of_somebody_else_entirely_0123456789abcdefg";

#[test]
fn a_hook_in_another_folder_passes_on_the_settings_of_that_folder() {
    let scene = Scene::on(|env| env.with("POSTHOG_LLMA_PRIVACY_MODE", "true"));
    let foreign = PostHog::start();
    let url = foreign.url();
    let elsewhere = scene.env.root().join("elsewhere");
    let hook = |session: &Session, in_force: &[(&str, &str)]| {
        let env: serde_json::Map<_, _> = in_force
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let settings = json!({ "env": env }).to_string();
        scene
            .env
            .write(elsewhere.join(".claude/settings.json"), settings);
        let mut hook = scene.hook(session).directory(&elsewhere);
        hook = hook.env("CLAUDE_PROJECT_DIR", scene.env.project());
        for (name, value) in in_force {
            hook = hook.env(name, value);
        }
        hook.run().success().silent();
        scene.settle();
    };
    let first = Session::write(&scene.env, 1, 1);
    hook(&first, &[("POSTHOG_LLMA_PRIVACY_MODE", "false")]);
    let sent = format!("{:?}", scene.posthog.events());
    assert!(!sent.contains(CONTENT), "{sent}");

    let second = Session::write(&scene.env, 2, 1);
    hook(
        &second,
        &[("POSTHOG_HOST", &url), ("POSTHOG_API_KEY", OTHER_KEY)],
    );
    assert_eq!(foreign.requests().len(), 0);
    let waits = scene.env.run(["flush"]).code(1);
    waits.complains("elsewhere chose http");
}

#[test]
fn nothing_is_sent_by_the_route_of_a_repository_not_even_events_that_waited() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let was_asked = Arc::new(AtomicBool::new(false));
    let note = Arc::clone(&was_asked);
    thread::spawn(move || {
        // A proxy that closes every connection at once.
        for _ in proxy.incoming() {
            note.store(true, Ordering::SeqCst);
        }
    });
    let asked = || was_asked.load(Ordering::SeqCst);
    let scene = Scene::on(|env| env.with("POSTHOG_HOST", "https://posthog.invalid"));
    let waiting = Session::write(&scene.env, 1, 1);
    scene.end(&waiting);
    scene.settle();
    scene.env.run(["trust", "posthog.invalid"]).success();
    let env = json!({ "env": { "HTTPS_PROXY": address, "SSL_CERT_FILE": "theirs.pem" } });
    scene
        .env
        .write("project/.claude/settings.json", env.to_string());
    let next = Session::write(&scene.env, 2, 1);
    let hook = scene.hook(&next).env("HTTPS_PROXY", &address);
    let hook = hook.env("SSL_CERT_FILE", "theirs.pem");
    hook.run().success().silent();
    scene.wait_until_stored(&next);
    let working = Process::detached(&scene.env.state());
    assert!(!working.is_empty(), "it tries for a while");
    for process in working {
        let environment = process.environment();
        let chosen = environment.iter().find(|it| it.contains("SSL_CERT_FILE"));
        assert_eq!(chosen, None);
    }
    kill_all(&scene.env.state());
    assert!(!asked(), "the hook");
    let inside = scene.env.command(["flush"]).env("CLAUDECODE", "1");
    let outcome = inside.env("HTTPS_PROXY", &address).run().code(2);
    outcome.complains("HTTPS_PROXY");
    assert!(!asked(), "a command inside of Claude Code");

    // The user's own setting is used, so the test can fail.
    let outcome = scene.env.command(["flush"]).env("HTTPS_PROXY", &address);
    outcome.run().code(1);
    assert!(asked());
}

/// Runs with the id of this test's process as Claude Code's.
fn of_process(run: Run) -> Run {
    run.env("CLAUDE_PID", std::process::id().to_string())
}

fn start(scene: &Scene, in_force: &[(&str, &str)]) {
    let input = r#"{"session_id":"next","hook_event_name":"SessionStart","source":"startup"}"#;
    let run = of_process(scene.env.command(["hook"]).stdin(input));
    let run = in_force
        .iter()
        .fold(run, |run, (name, value)| run.env(name, value));
    run.run().success().silent();
    scene.settle();
}

#[test]
fn a_value_set_by_a_repository_stays_the_repository_s_after_its_settings_are_gone() {
    let (scene, foreign) = (Scene::new(), PostHog::start());
    let url = foreign.url();
    let in_force = [
        ("POSTHOG_HOST", url.as_str()),
        ("POSTHOG_API_KEY", OTHER_KEY),
    ];
    let env = json!({ "env": { "POSTHOG_HOST": url, "POSTHOG_API_KEY": OTHER_KEY } });
    let file = scene
        .env
        .write("project/.claude/settings.json", env.to_string());
    start(&scene, &in_force);
    let session = Session::write(&scene.env, 1, 1);
    fs::remove_file(file).unwrap();
    let hook = in_force
        .iter()
        .fold(of_process(scene.hook(&session)), |run, (name, value)| {
            run.env(name, value)
        });
    hook.run().success().silent();
    scene.settle();
    assert_eq!(foreign.requests().len(), 0);

    // The next session sends it with the user's settings.
    session.age(std::time::Duration::from_hours(2));
    start(&scene, &[]);
    assert_eq!(foreign.requests().len(), 0);
    assert_eq!(scene.posthog.events().len() as u64, session.events());
    of_process(scene.hook(&session)).run().success().silent();
}

#[test]
fn an_endless_file_is_refused_in_every_setting() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let endless = "/proc/self/pagemap";
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 1);
    let project = scene.env.project();
    fs::create_dir_all(project.join(".claude")).unwrap();
    let settings = project.join(".claude/settings.json");
    #[cfg(unix)]
    std::os::unix::fs::symlink(endless, &settings).unwrap();
    let limit = std::time::Duration::from_secs(10);
    scene.end(&session);
    scene.settle();
    let outcome = scene.env.run(["ingest", "--all"]).code(2).within(limit);
    outcome.complains("it has no size");
    fs::remove_file(&settings).unwrap();
    let env = json!({ "env": { "POSTHOG_LLMA_REDACT_FILE": endless } });
    scene.env.write(&settings, env.to_string());
    let outcome = scene.env.run(["ingest", "--all"]).code(1).within(limit);
    outcome.complains("it has no size");
    fs::remove_file(&settings).unwrap();
    for (rules, why) in [(endless, "it has no size"), ("rules", "whole path")] {
        let run = scene.env.command(["ingest", "--all"]);
        let run = run.env("POSTHOG_LLMA_REDACT_FILE", rules).run();
        run.code(1).within(limit).complains(why);
    }
    assert_eq!(scene.posthog.requests().len(), 0);
}

#[test]
fn a_session_stays_as_private_as_a_folder_that_an_earlier_part_of_it_worked_in() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 3);
    let private = scene.env.root().join("private");
    let env = json!({ "env": { "POSTHOG_LLMA_PRIVACY_MODE": "true" } });
    scene
        .env
        .write(private.join(".claude/settings.json"), env.to_string());
    let text = fs::read_to_string(&session.path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let second = lines
        .iter()
        .position(|it| it.contains("prompt 2 of session"));
    let third = lines
        .iter()
        .position(|it| it.contains("prompt 3 of session"));
    let (second, third) = (second.unwrap(), third.unwrap());
    let here = scene.env.project().to_string_lossy().into_owned();
    let there = private.to_string_lossy().into_owned();
    let moved = |(at, line): (usize, &&str)| {
        if (second..third).contains(&at) {
            line.replace(&here, &there)
        } else {
            (*line).to_owned()
        }
    };
    let lines: Vec<String> = lines.iter().enumerate().map(moved).collect();
    // Twice, so that there is a checkpoint.
    for until in [third, third + 3, lines.len()] {
        let until = until.min(lines.len());
        scene
            .env
            .write(&session.path, lines[..until].join("\n") + "\n");
        scene.end(&session);
        scene.settle();
    }
    let sent = format!("{:?}", scene.posthog.events());
    assert!(sent.contains(&session.id), "{sent}");
    for number in 1..=3 {
        let word = format!("prompt {number} of session");
        assert!(!sent.contains(&word), "{word}: {sent}");
    }
}

#[test]
fn the_slash_command_reaches_no_project_with_a_similar_name() {
    let scene = Scene::new();
    let [ours, theirs] = ["my-shop", "my.shop"].map(|name| scene.env.root().join(name));
    for folder in [&ours, &theirs] {
        fs::create_dir_all(folder).unwrap();
    }
    let session = Session::write(&scene.env, 1, 1);
    let text = fs::read_to_string(&session.path).unwrap();
    let here = scene.env.project().to_string_lossy().into_owned();
    let text = text.replace(&here, &theirs.to_string_lossy());
    let slug: String = dunce::canonicalize(&ours)
        .unwrap()
        .to_string_lossy()
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() { it } else { '-' })
        .collect();
    let name = session.path.file_name().unwrap();
    let file = scene.env.claude().join("projects").join(slug).join(name);
    scene.env.write(file, text);
    fs::remove_file(&session.path).unwrap();
    let slash = |folder: &std::path::Path, arguments: &[&str]| {
        let all = [&["ingest-project"], arguments].concat();
        let run = scene.env.command(all).directory(folder);
        run.env("CLAUDECODE", "1").run()
    };
    slash(&ours, &[&session.id]).code(2);
    slash(&ours, &[]).code(2);
    let listed = slash(&ours, &["--list"]).success();
    listed.never_mentions(&session.id[..8]);
    assert_eq!(scene.posthog.requests().len(), 0);
    slash(&theirs, &[]).success();
    assert_eq!(scene.posthog.events().len() as u64, session.events());
}

#[test]
fn processes_started_by_claude_code_use_no_value_of_a_repository() {
    let (scene, foreign) = (Scene::new(), PostHog::start());
    let url = foreign.url();
    let in_force = [
        ("POSTHOG_HOST", url.as_str()),
        ("POSTHOG_API_KEY", OTHER_KEY),
    ];
    let env = json!({ "env": { "POSTHOG_HOST": url, "POSTHOG_API_KEY": OTHER_KEY } });
    let file = scene
        .env
        .write("project/.claude/settings.json", env.to_string());
    let session = Session::write(&scene.env, 1, 1);
    let of_pi = r#"{"type":"session","version":3,"id":"01999999-0000-7000-8000-000000000000","timestamp":"2026-03-10T10:00:00.000Z","cwd":"/p"}
{"type":"message","id":"a1","parentId":null,"timestamp":"2026-03-10T10:00:01.000Z","message":{"role":"user","content":"hello","timestamp":1773136801000}}
{"type":"message","id":"a2","parentId":"a1","timestamp":"2026-03-10T10:00:02.000Z","message":{"role":"assistant","content":[{"type":"text","text":"hi"}],"api":"x","provider":"x","model":"x","usage":{"input":1,"output":1,"cacheRead":0,"cacheWrite":0,"totalTokens":2,"cost":{"input":0,"output":0,"cacheRead":0,"cacheWrite":0,"total":0}},"stopReason":"stop","timestamp":1773136802000}}
"#;
    let of_pi = scene.env.write(
        "home/.pi/agent/sessions/--p--/2026-03-10T10-00-00-000Z_01999999-0000-7000-8000-000000000000.jsonl",
        of_pi,
    );
    let inside = |arguments: &[&str]| {
        let run = of_process(scene.env.command(arguments).env("CLAUDECODE", "1"));
        in_force
            .iter()
            .fold(run, |run, (name, value)| run.env(name, value))
    };
    let pi = [
        "hook",
        "--agent",
        "pi",
        "--session",
        of_pi.to_str().unwrap(),
    ];
    start(&scene, &in_force);
    fs::remove_file(&file).unwrap();
    inside(&pi).run().success().silent();
    scene.settle();
    let slash = inside(&["ingest-project", &session.id]).run();
    assert_ne!(slash.status.code(), Some(0), "{}", slash.report());
    assert_eq!(foreign.requests().len(), 0);

    // The hook of Pi sends it, so the test can fail.
    scene.env.run(pi).success().silent();
    scene.settle();
    assert_eq!(scene.posthog.named("$ai_generation").len(), 1);
}
