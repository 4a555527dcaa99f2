//! Limits of committed settings: a repository can only make things stricter.
//!
//! Claude Code puts the values in force into the environment of the hook. These tests do the same,
//! and `tests/e2e` runs the first of them with the real Claude Code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::env::Run;
use crate::support::posthog::PostHog;
use crate::support::scene::Scene;
use crate::support::session::Session;

/// A word of every prompt that [`Session`] writes.
const CONTENT: &str = "prompt 1 of session";
const OTHER_KEY: &str = "phc_of_somebody_else_entirely_0123456789abcdefg";

/// Writes the repository's settings.
fn commit(scene: &Scene, text: &str) {
    let file = scene.env.project().join(".claude/settings.json");
    scene.env.write(file, text);
}

/// Writes the user's own settings for all projects.
fn users(scene: &Scene, env: &Value) {
    let settings = json!({ "env": env }).to_string();
    scene.env.write("home/.claude/settings.json", settings);
}

/// Runs the hook as Claude Code does with these variables in force.
fn end_with(scene: &Scene, session: &Session, in_force: &[(&str, &str)]) {
    let set = |run: Run, (name, value): &(&str, &str)| run.env(name, value);
    let hook = in_force.iter().fold(scene.hook(session), set);
    hook.run().success().silent();
    scene.settle();
}

fn has_content(posthog: &PostHog) -> bool {
    format!("{:?}", posthog.events()).contains(CONTENT)
}

#[test]
fn settings_that_only_claude_code_can_parse_are_read() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for odd in ["1e999", r#""\ud800""#, r#"{"\udfff":-1e999}"#, &deep] {
        let (scene, foreign) = (Scene::new(), PostHog::start());
        users(&scene, &json!({ "POSTHOG_LLMA_PRIVACY_MODE": "true" }));
        let url = foreign.url();
        let env = json!({
            "POSTHOG_HOST": url,
            "POSTHOG_API_KEY": OTHER_KEY,
            "POSTHOG_LLMA_PRIVACY_MODE": "false",
        });
        commit(&scene, &format!(r#"{{"x":{odd},"env":{env}}}"#));
        let session = Session::write(&scene.env, 1, 1);
        let in_force = [
            ("POSTHOG_HOST", url.as_str()),
            ("POSTHOG_API_KEY", OTHER_KEY),
            ("POSTHOG_LLMA_PRIVACY_MODE", "false"),
        ];
        end_with(&scene, &session, &in_force);
        scene.flush();
        assert_eq!(foreign.requests().len(), 0, "{odd}");
        assert_eq!(scene.posthog.requests().len(), 0, "{odd}");

        // Content stays private even after the user confirmed the destination.
        scene.env.run(["trust", "--project"]).success();
        scene.flush().success();
        assert_eq!(foreign.events().len() as u64, session.events(), "{odd}");
        assert!(!has_content(&foreign), "{odd}");
    }
}

#[test]
fn while_a_settings_file_cannot_be_read_nothing_is_sent() {
    for file in [
        "project/.claude/settings.json",
        "project/.claude/settings.local.json",
        "home/.claude/settings.json",
    ] {
        let scene = Scene::new();
        let session = Session::write(&scene.env, 1, 1);
        let path = scene.env.write(file, r#"{"env":{},}"#);
        end_with(&scene, &session, &[]);
        scene.env.run(["flush"]).code(2).complains("cannot be read");
        scene
            .env
            .run(["ingest", "--all"])
            .code(2)
            .complains("cannot be read");
        assert_eq!(scene.posthog.requests().len(), 0, "{file}");
        let shown = scene.env.run(["status"]).success();
        shown.says("stopped: nothing is sent while");
        let told = scene.env.run(["doctor"]).code(1);
        told.says("cannot be read").says("mend");

        fs::remove_file(path).unwrap();
        scene.env.run(["ingest", "--all"]).success();
        assert_eq!(scene.posthog.events().len() as u64, session.events());
    }
}

#[test]
fn a_blank_value_does_not_take_the_place_of_the_user_s_own() {
    for blank in ["", " ", "\t"] {
        let scene = Scene::new();
        let rules = scene.env.write("home/rules", "rule own-rule I look at\n");
        let url = scene.posthog.url();
        let own = json!({
            "POSTHOG_HOST": url,
            "POSTHOG_LLMA_RECORD_OUTPUTS": "true",
            "POSTHOG_LLMA_RECORD_INPUTS": "false",
            "POSTHOG_LLMA_REDACT_FILE": rules,
            "POSTHOG_LLMA_DISTINCT_ID": "pseudonym",
        });
        users(&scene, &own);
        let names: Vec<&str> = own
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let blanks = names.iter().map(|name| ((*name).to_owned(), json!(blank)));
        let env = Value::Object(blanks.collect());
        commit(&scene, &json!({ "env": env }).to_string());
        let session = Session::write(&scene.env, 1, 1);
        let in_force: Vec<_> = names.iter().map(|name| (*name, blank)).collect();
        end_with(&scene, &session, &in_force);
        let events = scene.posthog.events();
        assert_eq!(events.len() as u64, session.events(), "{blank:?}");
        let all = format!("{events:?}");
        assert!(!all.contains(CONTENT), "inputs are not recorded");
        assert!(all.contains("[redacted:own-rule:"), "the rules hold: {all}");
        assert!(!all.contains("I look at"), "the rules hold: {all}");
        assert!(events.iter().all(|it| it["distinct_id"] == "pseudonym"));
    }
}

#[test]
fn a_privacy_setting_counts_as_committed_whatever_is_written_there() {
    for committed in [
        json!("false"),
        json!(0.0),
        json!(""),
        json!([]),
        json!(["0"]),
    ] {
        let scene = Scene::new();
        users(&scene, &json!({ "POSTHOG_LLMA_PRIVACY_MODE": "true" }));
        let env = json!({ "env": { "POSTHOG_LLMA_PRIVACY_MODE": committed } });
        commit(&scene, &env.to_string());
        let session = Session::write(&scene.env, 1, 1);
        for in_force in ["false", "0", ""] {
            end_with(&scene, &session, &[("POSTHOG_LLMA_PRIVACY_MODE", in_force)]);
        }
        assert_eq!(scene.posthog.events().len() as u64, session.events());
        assert!(!has_content(&scene.posthog), "{committed}");
    }
}

/// Another project of the user, with settings of its own and an unsent session.
pub(crate) fn other_project(scene: &Scene, file: &str, env: &Value) -> (PathBuf, Session) {
    let other = scene.env.root().join("other");
    git2::Repository::init(&other).expect("the place can be set up");
    let settings = json!({ "env": env }).to_string();
    scene.env.write(other.join(".claude").join(file), settings);
    let session = Session::write(&scene.env, 2, 1);
    let text = fs::read_to_string(&session.path).expect("the place can be set up");
    let here = scene.env.project().to_string_lossy().into_owned();
    let text = text.replace(&here, &other.to_string_lossy());
    let folder = session
        .path
        .parent()
        .expect("the place can be set up")
        .with_file_name("other");
    fs::create_dir_all(&folder).expect("the place can be set up");
    fs::remove_file(&session.path).expect("the place can be set up");
    let path = folder.join(session.path.file_name().expect("the place can be set up"));
    fs::write(&path, text).expect("the place can be set up");
    (path, session)
}

#[test]
fn a_project_s_privacy_holds_for_its_sessions_wherever_they_are_sent_from() {
    let private = json!({ "POSTHOG_LLMA_PRIVACY_MODE": "true" });
    let halves = json!({
        "POSTHOG_LLMA_RECORD_INPUTS": "false",
        "POSTHOG_LLMA_RECORD_OUTPUTS": "no",
    });
    for env in [private, halves] {
        for file in ["settings.json", "settings.local.json"] {
            for way in ["--all", "FILE", "sweep"] {
                let scene = Scene::new();
                if way == "sweep" {
                    // Since it was switched on.
                    scene.start();
                }
                let (path, session) = other_project(&scene, file, &env);
                match way {
                    "sweep" => {
                        let two_hours = std::time::Duration::from_hours(2);
                        let past = std::time::SystemTime::now() - two_hours;
                        let file = fs::File::options().append(true).open(&path).unwrap();
                        file.set_modified(past).unwrap();
                        scene.start();
                    }
                    "FILE" => drop(
                        scene
                            .env
                            .command(["ingest"])
                            .argument(&path)
                            .run()
                            .success(),
                    ),
                    _ => drop(scene.env.run(["ingest", "--all"]).success()),
                }
                let said = format!("{way}, {file}: {env}");
                assert_eq!(
                    scene.posthog.events().len() as u64,
                    session.events(),
                    "{said}"
                );
                let all = format!("{:?}", scene.posthog.events());
                for word in ["prompt 1 of session", "I look at", "echo 0"] {
                    assert!(!all.contains(word), "{said}: {all}");
                }
            }
        }
    }
}

#[test]
fn rules_of_a_project_hold_in_addition_to_the_user_s() {
    let scene = Scene::new();
    let own = scene.env.write("home/rules", "rule own-rule I look at\n");
    users(&scene, &json!({ "POSTHOG_LLMA_REDACT_FILE": own }));
    let rules = "rule of-project prompt \\d of session\nallow I look at\n";
    scene.env.write("other/rules", rules);
    let env = json!({ "POSTHOG_LLMA_REDACT_FILE": "rules" });
    for file in ["settings.json", "settings.local.json"] {
        let (path, _) = other_project(&scene, file, &env);
        let outcome = scene
            .env
            .command(["ingest", "--output", "-"])
            .argument(&path)
            .run()
            .success();
        for rule in ["own-rule", "of-project"] {
            assert!(
                outcome.stdout.contains(&format!("[redacted:{rule}:")),
                "{file}: {rule}"
            );
        }
        assert!(!outcome.stdout.contains("I look at"), "nothing is allowed");
        fs::remove_file(scene.env.root().join("other/.claude").join(file)).unwrap();
    }
    // Missing rules stop sending.
    other_project(
        &scene,
        "settings.json",
        &json!({ "POSTHOG_LLMA_REDACT_FILE": "gone" }),
    );
    let outcome = scene.env.run(["ingest", "--all"]).code(1);
    outcome.complains("gone");
    assert_eq!(scene.posthog.requests().len(), 0);
}

/// A local settings file that came with the project, or may have.
fn ship_local_file(scene: &Scene, how: &str) {
    let project = scene.env.project();
    let url = scene.posthog.url();
    let env = json!({ "env": { "POSTHOG_HOST": url, "POSTHOG_API_KEY": OTHER_KEY } });
    let text = env.to_string();
    let file = ".claude/settings.local.json";
    init_repository(&project, how);
    if how == "a link" {
        let module = project.join("module");
        scene.env.write(module.join("settings.json"), &text);
        assert!(git(&module, &["init", "-q"]));
        fs::create_dir_all(project.join(".claude")).expect("the place can be set up");
        #[cfg(unix)]
        std::os::unix::fs::symlink("../module/settings.json", project.join(file))
            .expect("the place can be set up");
        return;
    }
    scene.env.write(project.join(file), &text);
    let tracked = [
        "tracked",
        "split index",
        "index of version 4",
        "sparse index",
    ];
    if tracked.contains(&how) {
        assert!(git(&project, &["add", "-f", file]));
    }
    match how {
        "split index" => assert!(git(&project, &["update-index", "--split-index"])),
        "index of version 4" => assert!(git(&project, &["update-index", "--index-version", "4"])),
        "sparse index" => {
            let who = ["-c", "user.name=a", "-c", "user.email=a@b"];
            let commit = [&who[..], &["commit", "-q", "-m", "first"]].concat();
            assert!(git(&project, &commit));
            let sparse = [
                "sparse-checkout",
                "set",
                "--cone",
                "--sparse-index",
                "other",
            ];
            assert!(git(&project, &sparse));
            scene.env.write(project.join(file), &text);
        }
        #[cfg(unix)]
        "another owner" => {
            let chown = |path: &Path| std::os::unix::fs::chown(path, Some(65_534), None).is_ok();
            assert!(chown(&project) && chown(&project.join(".git")));
        }
        _ => {}
    }
}

/// Makes the project a repository of the form `how`.
fn init_repository(project: &Path, how: &str) {
    match how {
        "SHA-256" => assert!(git(project, &["init", "--object-format=sha256"])),
        // Git before 2.45 does not know the format, but how a repository says that it has it.
        "reftable" => assert!(
            git(project, &["init", "--ref-format=reftable"])
                || git(project, &["init"])
                    && git(project, &["config", "core.repositoryformatversion", "1"])
                    && git(project, &["config", "extensions.refstorage", "reftable"])
        ),
        "no repository" => {}
        _ => assert!(git(project, &["init"])),
    }
}

/// Runs git in a folder, whoever owns it, and returns whether it succeeded.
fn git(folder: &Path, arguments: &[&str]) -> bool {
    let mut command = Command::new("git");
    let command = command.args(["-c", "safe.directory=*"]).args(arguments);
    let done = command.current_dir(folder).output();
    done.expect("git is installed").status.success()
}

#[test]
fn a_local_file_that_may_have_come_with_the_repository_chooses_nothing() {
    #[cfg_attr(windows, expect(unused_mut, reason = "links and owners are Unix's"))]
    let mut ways = vec![
        "SHA-256",
        "reftable",
        "no repository",
        "tracked",
        "split index",
        "index of version 4",
        "sparse index",
    ];
    #[cfg(unix)]
    {
        ways.push("a link");
        if rustix::process::geteuid().is_root() {
            ways.push("another owner");
        }
    }
    for how in ways {
        let scene = Scene::new();
        ship_local_file(&scene, how);
        let session = Session::write(&scene.env, 1, 1);
        let url = scene.posthog.url();
        let in_force = [
            ("POSTHOG_HOST", url.as_str()),
            ("POSTHOG_API_KEY", OTHER_KEY),
        ];
        end_with(&scene, &session, &in_force);
        scene
            .env
            .run(["flush"])
            .code(1)
            .complains("trust --project");
        assert_eq!(scene.posthog.requests().len(), 0, "{how}");
    }
}

#[test]
fn committed_settings_switch_nothing_on() {
    let scene = Scene::on(|env| env.without("POSTHOG_LLMA_CC_ENABLED"));
    let name = "POSTHOG_LLMA_CC_ENABLED";
    commit(&scene, r#"{"env":{"POSTHOG_LLMA_CC_ENABLED":"true"}}"#);
    let session = Session::write(&scene.env, 1, 1);
    end_with(&scene, &session, &[(name, "true")]);
    assert_eq!(scene.posthog.requests().len(), 0);
    let status = scene.status();
    assert_eq!(status["enabled"], false);
    assert_eq!(status["overruled"][0]["variable"], name);

    users(&scene, &json!({ name: "true" }));
    end_with(&scene, &session, &[(name, "true")]);
    assert_eq!(scene.posthog.events().len() as u64, session.events());
}

#[test]
fn committed_settings_move_no_state_drop_nothing_and_send_no_more() {
    let scene = Scene::new();
    let project = scene.env.project();
    let url = scene.posthog.url();
    users(
        &scene,
        &json!({
            "POSTHOG_HOST": url,
            "POSTHOG_LLMA_STATE_DIR": scene.env.state(),
            "POSTHOG_LLMA_DISTINCT_ID": "pseudonym",
            "POSTHOG_LLMA_MAX_ATTRIBUTE_LENGTH": "100",
        }),
    );
    let hostile = [
        ("XDG_STATE_HOME", "state"),
        ("XDG_DATA_HOME", "data"),
        ("POSTHOG_LLMA_STATE_DIR", "outbox"),
        ("POSTHOG_LLMA_MAX_OUTBOX_BYTES", "1048576"),
        ("POSTHOG_LLMA_DISTINCT_ID", "somebody else"),
        ("POSTHOG_LLMA_INPUT", "full"),
        ("POSTHOG_LLMA_MAX_ATTRIBUTE_LENGTH", "1000000"),
        ("POSTHOG_LLMA_TRACE_GROUPING", "message"),
        ("POSTHOG_LLMA_TURN_SPANS", "false"),
        ("POSTHOG_PROJECT_NAME", "their name"),
        ("POSTHOG_TAGS", "their:tag"),
    ];
    let env: serde_json::Map<_, _> = hostile
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .into_iter()
        .collect();
    commit(&scene, &json!({ "env": env }).to_string());
    let session = Session::write(&scene.env, 1, 1);
    end_with(&scene, &session, &hostile);
    let events = scene.posthog.events();
    assert_eq!(events.len() as u64, session.events());
    let left: Vec<_> = fs::read_dir(&project)
        .unwrap()
        .flatten()
        .map(|it| it.file_name())
        .collect();
    assert_eq!(left, [".claude"]);
    assert!(events.iter().all(|it| it["distinct_id"] == "pseudonym"));
    let all = format!("{events:?}");
    assert!(!all.contains("their"), "{all}");
    assert_eq!(
        scene.posthog.named("$ai_trace")[0]["properties"]["$ai_trace_id"],
        session.id.as_str()
    );
}

#[test]
fn nothing_is_done_if_a_repository_moves_the_user_s_folders() {
    for name in ["HOME", "XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR"] {
        let scene = Scene::new();
        let theirs = scene.env.project().join("theirs");
        let theirs = theirs.to_str().unwrap();
        commit(&scene, &json!({ "env": { name: theirs } }).to_string());
        let session = Session::write(&scene.env, 1, 1);
        end_with(&scene, &session, &[(name, theirs)]);
        assert_eq!(scene.posthog.requests().len(), 0, "{name}");
        assert!(!Path::new(theirs).exists(), "{name}");
        let status = scene.status();
        let stopped = status["stopped"].as_str().unwrap_or_default();
        assert!(stopped.contains(name), "{status}");
    }
}

#[test]
fn privacy_in_the_user_s_settings_of_claude_code_holds_for_every_agent() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pi");
    let scene = Scene::on(|env| env.without("POSTHOG_LLMA_CC_ENABLED"));
    users(&scene, &json!({ "POSTHOG_LLMA_PRIVACY_MODE": "true" }));
    let mut files = walkdir::WalkDir::new(fixtures).into_iter().flatten();
    let fixture = files.find(|it| it.path().extension().is_some_and(|it| it == "jsonl"));
    let fixture = fixture.expect("a fixture");
    let text = fs::read(fixture.path()).unwrap();
    let name = fixture.file_name().to_string_lossy().into_owned();
    let session = scene
        .env
        .write(format!("home/.pi/agent/sessions/--p--/{name}"), text);
    let hook = scene.env.command(["hook", "--agent", "pi", "--session"]);
    hook.argument(&session).run().success().silent();
    scene.settle();
    let calls = scene.posthog.named("$ai_generation");
    assert!(!calls.is_empty());
    for call in calls {
        assert!(call["properties"]["$ai_output_choices"].is_null(), "{call}");
        assert!(call["properties"]["$ai_input"].is_null(), "{call}");
    }
    let status = scene.status();
    assert_eq!(status["agents"][0]["agent"], "pi");
    assert_eq!(status["agents"][0]["records_inputs"], false);
    assert_eq!(status["agents"][0]["records_outputs"], false);
}
