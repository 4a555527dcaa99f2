//! A project that is left alone stays left alone, however a session writes the path of its folder.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::scene::Scene;

/// Paths of one folder in different spellings.
fn spellings(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().expect("it is text");
    let mut spellings = vec![
        folder.to_owned(),
        format!("{folder}/"),
        format!("{folder}/./src/.."),
        format!("{folder}/src"),
    ];
    if cfg!(windows) {
        let (drive, rest) = folder.split_once(':').expect("it is on a drive");
        let rest = rest.replace('\\', "/");
        let drive = drive.to_lowercase();
        spellings.extend([
            folder.to_uppercase(),
            folder.to_lowercase(),
            folder.replace('\\', "/"),
            format!(r"\\?\{folder}"),
            format!("//?/{drive}:{rest}"),
            format!(r"\\.\{folder}"),
            // In the spelling of Unix shells: Git Bash, Cygwin, WSL; and of URLs.
            format!("/{drive}{rest}"),
            format!("/cygdrive/{drive}{rest}/src"),
            format!("/mnt/{drive}{rest}"),
            format!("/{drive}:{rest}"),
        ]);
        // The drives of a machine are shares for its administrators.
        let share = format!(r"\\localhost\{drive}${}", rest.replace('/', r"\"));
        if Path::new(&share).is_dir() {
            spellings.push(share.replacen(r"\\", r"\\?\UNC\", 1));
            spellings.push(share);
        }
        spellings.extend(short(folder));
    }
    spellings
}

/// The path with short names, such as `MYSHOP~1`, if the file system has them.
#[cfg(windows)]
fn short(folder: &str) -> Option<String> {
    use std::os::windows::process::CommandExt as _;
    let mut command = std::process::Command::new("cmd");
    command.raw_arg(format!(r#"/d /c for %I in ("{folder}") do @echo %~sI"#));
    let output = command.output().ok()?;
    let short = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    Path::new(&short).is_dir().then_some(short)
}

#[cfg(not(windows))]
const fn short(_: &str) -> Option<String> {
    None
}

/// Writes a session of one prompt that names this folder.
fn write(scene: &Scene, number: usize, cwd: &str) -> PathBuf {
    let id = format!("00000000-0000-4000-8000-{number:012}");
    let prompt = json!({
        "type": "user", "uuid": id, "sessionId": id, "cwd": cwd, "isSidechain": false,
        "timestamp": "2026-03-02T09:00:00Z",
        "message": { "role": "user", "content": "count the books" },
    });
    let path = format!("home/.claude/projects/p/{id}.jsonl");
    scene.env.write(path, format!("{prompt}\n"))
}

/// The folders named by the sessions that are read.
fn read(scene: &Scene) -> Vec<String> {
    let outcome = scene.env.run(["ingest", "--all", "--output", "-"]);
    let events = outcome.stdout.lines().map(serde_json::from_str::<Value>);
    let events = events.map(|event| event.expect("it is JSON"));
    let traces = events.filter(|event| event["event"] == "$ai_trace");
    let folders = traces.map(|trace| trace["properties"]["cwd"].clone());
    folders
        .map(|it| it.as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_project_is_left_alone_by_every_spelling_of_its_path() {
    let settings = json!({ "env": { "POSTHOG_LLMA_CC_ENABLED": "false" } }).to_string();
    for (mark, text) in [
        (".posthog-llma-ignore", ""),
        (".claude/settings.json", &settings),
    ] {
        let scene = Scene::new();
        let project = scene.env.project().join("My Shop");
        fs::create_dir_all(project.join("src")).expect("it is ours");
        let spellings = spellings(&project);
        let transcripts = (1..)
            .zip(&spellings)
            .map(|(number, it)| write(&scene, number, it));
        let transcripts: Vec<PathBuf> = transcripts.collect();
        scene.env.write(project.join(mark), text);
        assert_eq!(read(&scene), [""; 0], "{mark}");
        for transcript in &transcripts {
            let input = json!({ "transcript_path": transcript, "hook_event_name": "SessionEnd" });
            let hook = scene.env.command(["hook"]).stdin(input.to_string());
            // Run elsewhere, so that only the session itself names the project.
            hook.directory(scene.env.home()).run().success().silent();
        }
        scene.settle();
        assert_eq!(scene.posthog.events().len(), 0, "{mark}");
        fs::remove_file(project.join(mark)).expect("it is there");
        assert_eq!(read(&scene).len(), spellings.len(), "{mark}");
    }
}
