//! The process that the hook leaves behind: it survives everything that ends the hook, and holds
//! nothing open that anybody waits for.

use std::time::Duration;

use crate::support::posthog::Fault;
use crate::support::scene::Scene;
use crate::support::session::Session;

/// `/proc` shows what a process holds.
#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process_group};

    use crate::support::posthog::Fault;
    use crate::support::process::{Process, wait_for};
    use crate::support::scene::{CROWDED, SOON, Scene};
    use crate::support::session::Session;

    #[test]
    fn it_holds_nothing_of_the_process_that_started_it() {
        let scene = Scene::new();
        let session = Session::write(&scene.env, 1, 1);
        scene.posthog.set(Fault::NoAnswer);
        // A descriptor that the program inherits, and whose end another process waits for.
        let hook = scene.env.through_shell(r#"exec 9>&1; exec "$@""#, ["hook"]);
        let run = hook.stdin(session.hook_input("SessionEnd"));
        let secrets = [
            "ANTHROPIC_API_KEY",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
        ];
        let run = secrets
            .iter()
            .fold(run, |run, name| run.env(name, "geheim"));
        // All of them end although the child lives on: it holds none open.
        run.run().success().silent().within(CROWDED);

        let all = Process::all(&scene.env.state());
        let [child] = all[..] else {
            panic!("one process is left, not {all:?}");
        };
        assert_eq!(child.session(), child.0, "a session of its own");
        assert_eq!(child.cwd(), Path::new("/"));
        let descriptors = child.descriptors();
        for (number, leads_to) in &descriptors[..3] {
            // Standard output led to the hook, which is gone.
            let is_pipe = *number == 1 && leads_to.to_string_lossy().starts_with("pipe:");
            let is_null = leads_to == Path::new("/dev/null");
            assert!(is_null || is_pipe, "{number} leads to {leads_to:?}");
        }
        for (number, leads_to) in &descriptors[3..] {
            let is_own = leads_to.starts_with(scene.env.state());
            let is_socket = leads_to.to_string_lossy().starts_with("socket:");
            assert!(is_own || is_socket, "{number} leads to {leads_to:?}");
        }
        let environment = child.environment();
        let leaked: Vec<_> = environment
            .iter()
            .filter(|one| one.contains("geheim"))
            .collect();
        assert_eq!(leaked, [""; 0]);
        assert!(
            environment
                .iter()
                .any(|one| one.starts_with("POSTHOG_API_KEY="))
        );
    }

    #[test]
    fn a_hook_that_is_killed_takes_nothing_with_it() {
        for signal in [Signal::TERM, Signal::KILL] {
            let scene = Scene::new();
            let session = Session::write(&scene.env, 1, 3);
            scene.posthog.then(Fault::Slow(Duration::from_secs(1)));
            let mut hook = scene.hook(&session).in_own_group().spawn();
            wait_for("the child is on its own", SOON, || {
                let children = Process::detached(&scene.env.state());
                children
                    .iter()
                    .any(|child| child.session() == child.0)
                    .then_some(())
            });
            let group = i32::try_from(hook.id()).ok().and_then(Pid::from_raw);
            kill_process_group(group.expect("a pid is positive"), signal).expect("it is ours");
            let ended = hook.wait().expect("it can be waited for");
            assert_eq!(ended.code(), None, "it was killed");
            scene.settle();
            scene.complete(&[&session]);
        }
    }
}

#[test]
fn a_larger_budget_is_used() {
    let scene = Scene::on(|env| env.with("CLAUDE_CODE_SESSIONEND_HOOKS_TIMEOUT_MS", "20000"));
    let session = Session::write(&scene.env, 1, 1);
    scene.posthog.then(Fault::Slow(Duration::from_secs(2)));
    let outcome = scene.hook(&session).run().success().silent();
    assert!(outcome.took > Duration::from_secs(2), "{:?}", outcome.took);
    scene.complete(&[&session]);
}

#[test]
fn two_hooks_for_one_session_send_it_once() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 20);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| scene.end(&session));
        }
    });
    scene.settle();
    scene.complete(&[&session]);
}

#[test]
fn twenty_sessions_that_end_at_once_all_arrive() {
    let scene = Scene::new();
    let sessions: Vec<_> = (1..=20)
        .map(|number| Session::write(&scene.env, number, 3))
        .collect();
    std::thread::scope(|scope| {
        for session in &sessions {
            // Twenty processes and their children share the machine: only silence is asked for.
            scope.spawn(|| scene.hook(session).run().success().silent());
        }
    });
    scene.settle();
    let all: Vec<_> = sessions.iter().collect();
    scene.complete_but_for_traces(&all);
    assert_eq!(scene.posthog.named("$ai_trace").len(), 20);
}
