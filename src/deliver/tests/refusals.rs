//! Servers that answer but do not accept the events.

use super::*;

#[test]
fn a_host_without_the_ai_lane_is_remembered_as_such() {
    let scene = Scene::with(3);
    scene.outbox.remember_ai_lane(1, true).unwrap();
    scene.server.set(Fault::NoAiLane);
    assert_eq!(scene.drain().sent, 3);
    scene.enqueue((4..=5).map(|number| event(number, "x")));
    assert_eq!(scene.drain().sent, 2);
    scene.complete(5);
    let paths: Vec<_> = scene
        .server
        .requests()
        .into_iter()
        .map(|one| one.path)
        .collect();
    assert_eq!(paths, ["/i/v0/ai/batch/", "/batch/", "/batch/"]);
    assert_eq!(scene.status().record.ai_lane, Some(false));
}

#[test]
fn a_host_that_has_no_lane_at_all_is_no_posthog_and_nothing_is_remembered_of_it() {
    let scene = Scene::with(3);
    scene.outbox.remember_ai_lane(1, true).unwrap();
    scene.server.set(Fault::status(404));
    scene.keeps(3, &scene.drain(), "POSTHOG_HOST");
    assert_eq!(scene.status().record.ai_lane, Some(true));
    scene.server.heal();
    scene.flush();
    scene.complete(3);
}

#[test]
fn a_batch_too_large_for_the_server_goes_in_halves() {
    let scene = Scene::with(100);
    scene
        .server
        .then(Fault::status(413))
        .then(Fault::status(413));
    let drained = scene.drain();
    assert_eq!((drained.sent, drained.parked), (100, 0));
    scene.complete(100);
    let requests = scene.server.requests();
    let counts = requests
        .into_iter()
        .map(|one| one.body.unwrap()["batch"].as_array().unwrap().len());
    assert_eq!(counts.collect::<Vec<_>>(), [100, 50, 25, 25, 50]);
}

#[test]
fn an_event_too_large_for_the_server_is_shortened_once_and_then_parked() {
    let scene = Scene::new();
    scene.enqueue((1..=2).map(|number| event(number, &"x".repeat(10_000))));
    // The batch, the first event alone, the first shortened, then the second alone.
    for _ in 0..4 {
        scene.server.then(Fault::status(413));
    }
    let drained = scene.drain();
    assert_eq!((drained.sent, drained.parked, drained.waiting), (1, 1, 0));
    let shortened = &scene.server.events()[0];
    assert_eq!(shortened["properties"]["number"], "2");
    assert!(shortened.to_string().len() < 6_000);
    let parked = scene.outbox.status().unwrap().parked;
    assert_eq!(parked[0].uuid, Uuid::from_u128(1));
    assert_eq!(parked[0].name, "$ai_span");
    assert!(parked[0].size > 10_000);
    assert!(parked[0].reason.contains("413"), "{}", parked[0].reason);
}

#[test]
fn an_event_too_large_for_its_lane_is_shortened_before_it_costs_a_batch() {
    let scene = Scene::with(2);
    scene.enqueue([event(3, &"x".repeat(2_000_000))].into_iter());
    assert_eq!(scene.drain().sent, 3);
    scene.complete(3);
    assert!(scene.verdicts().iter().all(|one| *one == Verdict::Accepted));
}

#[test]
fn an_event_that_cannot_be_shortened_is_parked_alone() {
    let scene = Scene::with(2);
    scene.enqueue([event(3, &"x".repeat(2_000_000))].into_iter());
    let unable = Policy {
        clip: &|_, _| None,
        ..POLICY
    };
    let drained = scene.drain_by(unable);
    assert_eq!((drained.sent, drained.parked, drained.waiting), (2, 1, 0));
    let error = drained.last_error.unwrap();
    assert!(error.contains(&Uuid::from_u128(3).to_string()), "{error}");
}

#[test]
fn poisoned_events_are_found_and_parked_with_the_servers_words() {
    let scene = Scene::with(100);
    for number in [17, 18, 99] {
        let uuid = Uuid::from_u128(number).to_string();
        scene.server.set(Fault::RefuseUuid(uuid));
    }
    let drained = scene.drain();
    assert_eq!((drained.sent, drained.parked, drained.waiting), (97, 3, 0));
    scene.complete(97);
    let status = scene.outbox.status().unwrap();
    assert_eq!(status.parked_total, 3);
    assert_eq!(status.parked[0].uuid, Uuid::from_u128(99));
    let reason = &status.parked[0].reason;
    assert!(reason.contains("could not be processed"), "{reason}");
    assert_eq!(status.destinations[0].record.last_error, None);
    assert_eq!(scene.drain(), Drained::default());
}

#[test]
fn a_single_poisoned_event_is_parked() {
    let scene = Scene::with(1);
    scene.server.then(Fault::status(400));
    let drained = scene.drain();
    assert_eq!((drained.parked, drained.waiting), (1, 0));
}

#[test]
fn a_server_that_refuses_every_event_gets_none_parked() {
    let scene = Scene::with(200);
    let words = "no such tenant".to_owned();
    scene.server.set(Fault::Status(400, Vec::new(), words));
    let drained = scene.drain();
    scene.keeps(200, &drained, "refuses every event: 400: no such tenant");
    assert_eq!(drained.parked, 0);
    assert!(scene.server.requests().len() < 80);
    scene.server.heal();
    scene.flush();
    scene.complete(200);
}

#[test]
fn what_is_not_posthog_gets_nothing_for_good() {
    for (fault, why) in [
        (Fault::LoginPage, "login"),
        (
            Fault::Redirect("https://elsewhere.example/".into()),
            "elsewhere.example",
        ),
        (Fault::status(204), "204"),
    ] {
        let scene = Scene::with(3);
        scene.server.set(fault);
        scene.keeps(3, &scene.drain(), why);
        assert!(!scene.status().record.refused);
        assert_eq!(scene.server.requests().len(), 1, "no second try");
        scene.server.heal();
        scene.clock.sleep(Duration::from_secs(30));
        assert_eq!(scene.drain().sent, 3);
        scene.complete(3);
    }
}

#[test]
fn who_refused_us_is_asked_again_after_a_day_or_by_a_command() {
    for status in [401, 402, 403, 418] {
        let scene = Scene::with(3);
        scene.server.set(Fault::status(status));
        scene.keeps(3, &scene.drain(), &status.to_string());
        assert!(scene.status().record.refused);
        scene.clock.sleep(Duration::from_hours(23));
        assert_eq!(scene.drain().last_error, None);
        assert_eq!(scene.server.requests().len(), 1, "left alone");
        scene.flush();
        assert_eq!(scene.server.requests().len(), 2, "a command asks again");
        scene.server.heal();
        scene.clock.sleep(Duration::from_hours(24));
        assert_eq!(scene.drain().sent, 3);
        scene.complete(3);
        assert!(!scene.status().record.refused);
    }
}

#[test]
fn a_destination_that_the_user_did_not_agree_to_gets_nothing() {
    let scene = Scene::with(3);
    let nothing = Policy {
        permits: &|_| false,
        ..POLICY
    };
    let drained = scene.drain_by(nothing);
    assert_eq!((drained.waiting, drained.last_error), (3, None));
    assert!(scene.server.requests().is_empty());
}

#[test]
fn an_address_that_cannot_be_called_is_a_refusal_with_its_reason() {
    let scene = Scene::new();
    scene.enqueue_for("http://posthog.example", [event(1, "x")].into_iter());
    scene.keeps(1, &scene.drain(), "not encrypted");
    assert!(scene.status().record.refused);
}
