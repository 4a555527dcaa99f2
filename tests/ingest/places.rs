//! Sessions are found wherever Claude Code and its relatives keep them, and belong to their project.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::Repository;
use serde_json::{Value, json};

use crate::support::env::{Outcome, TestEnv};
use crate::support::scene::Scene;
use crate::support::session::Session;

/// Age at which a quiet session is stored by the sweep.
const TWO_HOURS: Duration = Duration::from_hours(2);

/// A session of one prompt and one answer that began in `cwd`, after the lines in `before`.
fn transcript(id: &str, cwd: &Path, before: &[Value]) -> String {
    let line = |kind: &str, second: u8, message: Value| {
        json!({ "type": kind, "uuid": format!("{id}-{second}"), "sessionId": id, "cwd": cwd,
            "version": "2.1.332", "isSidechain": false, "parentUuid": null,
            "timestamp": format!("2026-03-02T09:00:0{second}.000Z"), "message": message })
    };
    let usage = json!({ "input_tokens": 1, "output_tokens": 20 });
    let answer = json!({ "id": format!("msg_{id}"), "role": "assistant", "model": "claude-opus-4-5",
        "stop_reason": "end_turn", "usage": usage, "content": [{ "type": "text", "text": "Yes." }] });
    let prompt = json!({ "role": "user", "content": "Is it there?" });
    let lines = [line("user", 1, prompt), line("assistant", 2, answer)];
    let lines = before.iter().chain(&lines);
    let lines: Vec<String> = lines.map(|line| format!("{line}\n")).collect();
    lines.concat()
}

/// Writes such a session below the root.
fn write(env: &TestEnv, path: &str, cwd: &Path) -> PathBuf {
    let id = Path::new(path).file_stem().and_then(|stem| stem.to_str());
    env.write(path, transcript(id.expect("a name"), cwd, &[]))
}

fn events(outcome: &Outcome) -> Vec<Value> {
    let lines = outcome.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("it is JSON"))
        .collect()
}

/// The ids of the sessions found.
#[track_caller]
fn found(env: &TestEnv, arguments: &[&str]) -> (BTreeSet<String>, Outcome) {
    let outcome = env
        .run([&["ingest", "--output", "-"], arguments].concat())
        .success();
    let ids = events(&outcome).into_iter().map(|event| {
        let id = event["properties"]["$ai_session_id"].as_str();
        id.expect("a text").to_owned()
    });
    (ids.collect(), outcome)
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// Cowork has another folder on Windows.
#[cfg(unix)]
#[test]
fn sessions_of_every_folder_of_claude_code_are_found_and_the_doctor_names_them() {
    let env = TestEnv::new().without("CLAUDE_CONFIG_DIR");
    let cwd = env.project();
    write(&env, "home/.claude/projects/p/usual.jsonl", &cwd);
    write(&env, "home/.config/claude/projects/p/other.jsonl", &cwd);
    let cowork = "home/.config/Claude/local-agent-mode-sessions/o/a";
    write(
        &env,
        &format!("{cowork}/local_1/.claude/projects/-sessions-x/cowork.jsonl"),
        &cwd,
    );
    env.write(format!("{cowork}/local_1/audit.jsonl"), "{}\n");
    assert_eq!(
        found(&env, &["--all"]).0,
        set(&["usual", "other", "cowork"])
    );

    let report = env.run(["doctor", "--json"]).stdout;
    let report: Value = serde_json::from_str(&report).expect("it is JSON");
    let checks = report["checks"].as_array().expect("a list");
    let transcripts = checks.iter().find(|it| it["check"] == "transcripts");
    let transcripts = transcripts.unwrap_or_else(|| panic!("{report:#}"));
    let text = transcripts["found"].as_str().expect("a text");
    for folder in [
        ".claude/projects",
        ".config/claude/projects",
        "local-agent-mode-sessions",
    ] {
        assert!(text.contains(folder), "{text}");
        assert!(
            transcripts["details"]["looked_in"]
                .to_string()
                .contains(folder)
        );
    }

    // Separate accounts stay separate.
    write(&env, "home/.work/projects/p/work.jsonl", &cwd);
    let work = env.home().join(".work");
    let apart = env.with("CLAUDE_CONFIG_DIR", work);
    assert_eq!(found(&apart, &["--all"]).0, set(&["work"]));
}

#[test]
fn a_list_of_folders_is_searched_and_what_one_of_them_switches_off_stays_off() {
    let env = TestEnv::new();
    for account in ["one", "two"] {
        write(
            &env,
            &format!("home/{account}/projects/p/{account}.jsonl"),
            &env.project(),
        );
    }
    let folders = ["one", "two"].map(|it| env.home().join(it).display().to_string());
    let env = env.with("CLAUDE_CONFIG_DIR", folders.join(","));
    assert_eq!(found(&env, &["--all"]).0, set(&["one", "two"]));
    let no = json!({ "env": { "POSTHOG_LLMA_CC_ENABLED": "false" } });
    env.write("home/two/settings.json", no.to_string());
    assert_eq!(found(&env, &["--all"]).0, set(&["one"]));
    env.write("home/two/settings.json", "{");
    assert_eq!(found(&env, &["--all"]).0, set(&["one"]));
}

#[cfg(unix)]
#[test]
fn what_the_settings_of_another_folder_want_holds_for_its_sessions() {
    const KEY: &str = "phc_key_of_the_second_account_0123456789abcdefgh";
    let cwd = TestEnv::new().project();
    let privacy = json!({ "env": { "POSTHOG_LLMA_PRIVACY_MODE": "true" } });
    let outputs = json!({ "env": { "POSTHOG_LLMA_RECORD_INPUTS": "false" } });
    let key = json!({ "env": { "POSTHOG_API_KEY": KEY } });
    let host = json!({ "env": { "POSTHOG_HOST": "https://eu.i.posthog.com" } });
    for (settings, key_here, is_found, is_private) in [
        (&json!({}), None, true, false),
        (&privacy, None, true, true),
        (&outputs, None, true, true),
        (&key, None, false, false),
        (&key, Some("phc_other"), false, false),
        (&key, Some(KEY), true, false),
        (&host, Some(KEY), false, false),
    ] {
        let env = TestEnv::new();
        let account = "home/two";
        let path = write(&env, &format!("{account}/projects/p/s.jsonl"), &cwd);
        env.write(format!("{account}/settings.json"), settings.to_string());
        let folders = ["one", "two"].map(|it| env.home().join(it).display().to_string());
        let mut env = env.with("CLAUDE_CONFIG_DIR", folders.join(","));
        if let Some(key) = key_here {
            env = env.with("POSTHOG_API_KEY", key);
        }
        let link = env.root().join("link.jsonl");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        for way in [
            "--all",
            path.to_str().expect("text"),
            link.to_str().expect("text"),
        ] {
            let (ids, outcome) = found(&env, &[way]);
            assert_eq!(!ids.is_empty(), is_found, "{settings} {key_here:?} {way}");
            let has_content = outcome.stdout.contains("Is it there?");
            assert_eq!(has_content, is_found && !is_private, "{settings} {way}");
            if !is_found {
                let reason = format!(
                    "set CLAUDE_CONFIG_DIR to {}",
                    env.home().join("two").display()
                );
                assert!(outcome.stderr.contains(&reason), "{}", outcome.stderr);
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_folder_by_another_name_is_no_other_folder() {
    let env = TestEnv::new().without("CLAUDE_CONFIG_DIR");
    write(&env, "home/.claude/projects/p/s.jsonl", &env.project());
    let settings = json!({ "env": { "POSTHOG_API_KEY": "phc_of_settings" } });
    env.write("home/.claude/settings.json", settings.to_string());
    env.write("home/.config/x", "");
    std::os::unix::fs::symlink("../.claude", env.home().join(".config/claude")).expect("a link");
    // Other tests cover settings of the project.
    let local = json!({ "env": { "POSTHOG_API_KEY": "phc_of_project" } });
    env.write("project/.claude/settings.json", local.to_string());
    assert_eq!(found(&env, &["--all"]).0, set(&["s"]));
}

#[test]
fn sessions_of_cowork_are_sent_by_themselves_once_they_are_quiet() {
    let scene = Scene::on(|env| env.without("CLAUDE_CONFIG_DIR"));
    scene.end(&Session::write(&scene.env, 1, 1));
    scene.settle();
    let cowork = Session::write(&scene.env, 2, 1);
    cowork.age(TWO_HOURS);
    let task = "Library/Application Support/Claude/local-agent-mode-sessions/o/a/local_1";
    let folder = scene.env.home().join(task).join(".claude/projects/p");
    fs::create_dir_all(&folder).expect("it is writable");
    let name = cowork.path.file_name().expect("a name");
    fs::rename(&cowork.path, folder.join(name)).expect("it is writable");
    let is_sent = || {
        let traces = scene.posthog.named("$ai_trace");
        let mut ids = traces.iter().map(|it| &it["properties"]["$ai_session_id"]);
        ids.any(|id| *id == *cowork.id)
    };
    let settings = scene.env.home().join(task).join(".claude/settings.json");
    fs::write(
        &settings,
        json!({ "env": { "POSTHOG_LLMA_CC_ENABLED": "false" } }).to_string(),
    )
    .expect("it is writable");
    scene.start();
    assert!(!is_sent());
    fs::remove_file(settings).expect("it is there");
    scene.start();
    assert!(is_sent());
}

#[cfg(unix)]
#[test]
fn links_are_followed_in_the_users_own_folders_and_elsewhere_when_they_are_named() {
    use std::os::unix::fs::symlink;
    let env = TestEnv::new();
    let cwd = env.project();
    write(&env, "home/.claude/projects/p/plain.jsonl", &cwd);
    write(&env, "home/dotfiles/linked-folder.jsonl", &cwd);
    let file = write(&env, "home/kept/linked-file.jsonl", &cwd);
    write(&env, "outside/elsewhere.jsonl", &cwd);
    let projects = env.claude().join("projects");
    symlink(env.home().join("dotfiles"), projects.join("folder")).expect("a link");
    symlink(file, projects.join("p/linked-file.jsonl")).expect("a link");
    symlink("..", projects.join("p/circle")).expect("a link");
    symlink(env.root().join("outside"), projects.join("out")).expect("a link");
    // Pi's sessions are found in the same way.
    let header = json!({ "type": "session", "version": 3, "id": "pi", "cwd": cwd,
        "timestamp": "2026-03-02T09:00:00.000Z" });
    let prompt = json!({ "type": "message", "id": "1", "parentId": null,
        "timestamp": "2026-03-02T09:00:01.000Z",
        "message": { "role": "user", "content": "Is it there?", "timestamp": 1_772_442_001_000_u64 } });
    env.write("home/of-pi/p/1_pi.jsonl", format!("{header}\n{prompt}\n"));
    fs::create_dir_all(env.home().join(".pi/agent")).expect("it is writable");
    symlink(
        env.home().join("of-pi"),
        env.home().join(".pi/agent/sessions"),
    )
    .expect("a link");
    symlink("p", env.home().join("of-pi/again")).expect("a link");

    let own = set(&["plain", "linked-folder", "linked-file", "pi@1772442000000"]);
    let (ids, outcome) = found(&env, &["--all"]);
    assert_eq!(ids, own);
    assert!(
        outcome.stderr.contains("1 link not followed"),
        "{}",
        outcome.stderr
    );
    let report = env.run(["doctor", "--json"]).stdout;
    assert!(
        report.contains("\"links\"") && report.contains("projects/out"),
        "{report}"
    );

    let out = projects.join("out");
    let outside = env.root().join("outside");
    for named in [out, outside] {
        let named = named.to_str().expect("text");
        assert_eq!(found(&env, &[named]).0, set(&["elsewhere"]), "{named}");
    }
}

/// Makes a repository with one commit, and a work tree of it.
fn make_work_tree(repository: &Path, linked: &Path) {
    let main = Repository::init(repository).expect("a repository");
    let author = git2::Signature::now("Ada", "ada@example.com").expect("a signature");
    let tree = main
        .index()
        .and_then(|mut index| index.write_tree())
        .expect("a tree");
    let tree = main.find_tree(tree).expect("it is there");
    main.commit(Some("HEAD"), &author, &author, "first", &tree, &[])
        .expect("a commit");
    main.worktree("fix", linked, None).expect("a work tree");
}

#[test]
fn a_session_in_a_work_tree_belongs_to_its_project() {
    let env = TestEnv::new();
    let shop = env.root().join("shop");
    let linked = env.root().join("trees/fix");
    fs::create_dir(env.root().join("trees")).expect("it is writable");
    make_work_tree(&shop, &linked);
    fs::create_dir(linked.join("api")).expect("it is writable");
    let told = json!({ "type": "worktree-state", "worktreeSession": {
        "originalCwd": "/gone/shop", "worktreePath": "/gone/trees/told", "worktreeName": "told" } });
    for (id, cwd, before, project, tree) in [
        ("main", shop.clone(), None, "shop", None),
        ("git", linked.clone(), None, "shop", Some("fix")),
        ("inside", linked.join("api"), None, "api", Some("fix")),
        (
            "path",
            "/gone/shop/.claude/worktrees/a-b".into(),
            None,
            "shop",
            Some("a-b"),
        ),
        (
            "lines",
            "/gone/trees/told".into(),
            Some(told.clone()),
            "shop",
            Some("told"),
        ),
        (
            "other",
            "/gone/trees/other".into(),
            Some(told.clone()),
            "other",
            None,
        ),
    ] {
        let lines = transcript(id, &cwd, before.as_slice());
        let path = env.write(format!("sessions/{id}.jsonl"), &lines);
        let path = path.to_str().expect("text");
        let outcome = env.run(["ingest", "--output", "-", path]).success();
        let all = events(&outcome);
        assert!(!all.is_empty());
        for event in all {
            let properties = &event["properties"];
            let names = ["$ai_project_name", "$ai_agent_name"].map(|it| properties[it].as_str());
            assert_eq!(names, [Some(project); 2], "{id}");
            assert_eq!(properties["worktree"].as_str(), tree, "{id}");
        }
        if id == "git" || id == "path" {
            let env = TestEnv::new();
            env.write(format!("home/.claude/projects/p/{id}.jsonl"), lines);
            let list = env.run(["ingest", "--list"]).success().stdout;
            assert!(list.contains("  shop  "), "{list}");
        }
    }
}
