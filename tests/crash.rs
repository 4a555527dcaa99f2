//! The program is killed at random moments, hook and detached process alike, while it reads,
//! stores, sends and acknowledges. Afterwards, one more end of the session completes everything.
//!
//! `POSTHOG_LLMA_CRASH_ROUNDS` is the number of kills, `POSTHOG_LLMA_CRASH_SEED` repeats the
//! moments of a failed run.
#![expect(
    clippy::print_stdout,
    reason = "the moments must be known when the test fails"
)]

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::posthog::Fault;
use crate::support::process::kill_all;
use crate::support::scene::{SOON, Scene};
use crate::support::session::Session;
use rusqlite::{Connection, OpenFlags};

/// Number of kills in the short form.
const ROUNDS: u64 = 40;
/// Number of rounds on one machine before everything is checked.
const ROUNDS_OF_MACHINE: u64 = 10;
/// Number of simulated machines at once: they mostly wait.
const MACHINES_AT_ONCE: usize = 4;
/// First estimate of the duration of a run, in microseconds.
const SPAN: u64 = 400_000;
/// Five events each: enough for every stage to take its time.
const TURNS: u64 = 40;
/// PostHog takes a moment to answer, so that some processes die before its answer arrives.
const ANSWER: Duration = Duration::from_millis(60);

/// The judgement of a hook on an environment in which every value is the user's.
const NOTHING_HIDDEN: &str = r#"{"hidden":{},"rules":[],"chosen_by":null,"stopped":null}"#;

/// `SplitMix64`: small, and the same on every machine.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn moment(&mut self, within: Duration) -> Duration {
        let micros = u64::try_from(within.as_micros()).expect("it is short");
        Duration::from_micros(self.below(micros))
    }
}

/// States of the session after a kill, counted over all kills.
#[derive(Debug, Default)]
struct Stages {
    nothing: AtomicU64,
    stored: AtomicU64,
    taken_by_the_server: AtomicU64,
    acknowledged: AtomicU64,
    /// Microseconds from which random moments are drawn: long enough to include both the beginning
    /// and the end, however busy the machine is.
    span: AtomicU64,
}

impl Stages {
    fn span(&self) -> Duration {
        Duration::from_micros(self.span.load(Ordering::Relaxed))
    }

    fn count(&self, scene: &Scene, session: &Session) {
        let [_, acknowledged, waiting, _] = scene.receipt(session);
        let mut taken = scene.posthog.merged();
        taken.retain(|event| event["properties"]["$ai_session_id"] == session.id.as_str());
        // The trace of a session that grew waits again.
        let is_taken = taken.len() as u64 > acknowledged + 1;
        let span = self.span.load(Ordering::Relaxed);
        let (stage, span) = match (acknowledged, waiting) {
            (0, 0) => (&self.nothing, span + span / 10),
            (_, 0) => (&self.acknowledged, span - span / 10),
            _ if is_taken => (&self.taken_by_the_server, span),
            _ => (&self.stored, span),
        };
        stage.fetch_add(1, Ordering::Relaxed);
        self.span.store(span, Ordering::Relaxed);
    }
}

#[test]
fn killed_at_any_moment_nothing_is_lost_and_nothing_is_another() {
    let rounds = number("POSTHOG_LLMA_CRASH_ROUNDS").unwrap_or(ROUNDS);
    let clock = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = clock.map_or(0, |since| since.as_secs());
    let seed = number("POSTHOG_LLMA_CRASH_SEED").unwrap_or(now);
    // Shown when the test fails.
    println!("POSTHOG_LLMA_CRASH_SEED={seed}");
    let stages = Stages {
        span: AtomicU64::new(SPAN),
        ..Stages::default()
    };
    let machines: Vec<u64> = (0..rounds.div_ceil(ROUNDS_OF_MACHINE)).collect();
    for together in machines.chunks(MACHINES_AT_ONCE) {
        thread::scope(|scope| {
            for number in together {
                let mut chance = Chance(seed ^ (number << 32));
                let stages = &stages;
                scope.spawn(move || machine(&mut chance, stages));
            }
        });
    }
    let killed = machines.len() as u64 * ROUNDS_OF_MACHINE;
    println!("killed {killed} times; then there was: {stages:?}");
}

/// One machine: sessions end, the program dies each time.
fn machine(chance: &mut Chance, stages: &Stages) {
    let scene = Scene::new();
    scene.posthog.set(Fault::LateAnswer(ANSWER));
    let mut sessions: Vec<Session> = Vec::new();
    for round in 0..ROUNDS_OF_MACHINE {
        // Every other time, a session that ended before is resumed.
        match sessions.last_mut().filter(|_| round % 2 == 1) {
            Some(session) => session.grow(TURNS / 2),
            None => sessions.push(Session::write(&scene.env, 100 + round, TURNS)),
        }
        let session = sessions.last().expect("there is one");
        let path = session.path.to_str().expect("it is UTF-8");
        let run = if chance.below(3) == 0 {
            let work = ["work", "--judged", NOTHING_HIDDEN, "collect"];
            let of = ["--agent", "claude-code", "--progress", "ended"];
            let work = work.into_iter().chain(of);
            scene.env.command(work.chain(["--transcript", path]))
        } else {
            scene.hook(session)
        };
        let known = scene.posthog.count();
        let mut started = run.spawn();
        // The moments between the server's acceptance and its record are few and matter most.
        let within = if chance.below(3) == 0 {
            scene.posthog.wait_for_more_than(known, SOON);
            ANSWER * 2
        } else {
            stages.span()
        };
        thread::sleep(chance.moment(within));
        started.kill().expect("it is ours");
        kill_all(&scene.env.state());
        started.wait().expect("it can be waited for");
        stages.count(&scene, session);
    }
    let all: Vec<&Session> = sessions.iter().collect();
    for session in &all {
        scene.hook(session).run().success().silent();
        scene.settle();
    }
    scene.flush().success();
    healthy(&scene);
    scene.complete_with_copies(&all);
    for session in all {
        let events = session.events();
        assert_eq!(scene.receipt(session), [events, events, 0, 0]);
    }
}

/// Every page and every row of the database is in order.
fn healthy(scene: &Scene) {
    let path = scene.env.state().join("outbox.db");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = Connection::open_with_flags(path, flags).expect("it is there");
    let check = |name: &str| -> Vec<String> {
        let mut answers = Vec::new();
        database
            .pragma_query(None, name, |row| {
                answers.push(row.get::<_, String>(0)?);
                Ok(())
            })
            .expect("it can be read");
        answers
    };
    assert_eq!(check("integrity_check"), ["ok"]);
    assert_eq!(check("foreign_key_check"), [""; 0]);
    let aside = scene.status()["set_aside"].to_string();
    assert_eq!(aside, "[]", "no database was damaged");
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().expect("it is a number"))
}
