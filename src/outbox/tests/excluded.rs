//! Sessions that the user excludes, and parked events that are sent again.

use super::*;

/// Excludes the session `a`.
pub(super) fn exclude(outbox: &Outbox, cause: Cause) {
    let exclusion = Exclusion {
        agent: "claude-code".to_owned(),
        session: "a".to_owned(),
        cause,
        since: at(0),
    };
    outbox.exclusions().add(&exclusion).unwrap();
}

#[test]
fn what_waits_of_an_excluded_session_is_withdrawn_and_what_was_sent_stays_in_the_ledger() {
    for cause in [Cause::Paused, Cause::Forgotten] {
        let directory = TempDir::new().unwrap();
        let outbox = open(&directory);
        enqueue(&outbox, "a", &spans(1..7), 0);
        enqueue(&outbox, "b", &spans(7..9), 0);
        let claimed = claim_all(&outbox);
        outbox.acknowledge_events(1, &claimed[..2], at(1)).unwrap();
        outbox.park(1, &claimed[2], "bad", at(1)).unwrap();
        assert_eq!(outbox.withdraw_excluded(at(2)).unwrap(), 0);

        exclude(&outbox, cause);
        assert_eq!(outbox.withdraw_excluded(at(2)).unwrap(), 4);
        assert_eq!(outbox.withdraw_excluded(at(3)).unwrap(), 0);
        let receipt = outbox.receipt("claude-code", "a").unwrap();
        let expected = Receipt {
            events: 6,
            acknowledged: 2,
            withdrawn: 4,
            ..Receipt::default()
        };
        assert_eq!(receipt, expected);
        assert_eq!(claim_all(&outbox), claimed[6..]);
        assert_consistent(&outbox);
        // A copy in another session is recognised in every state of the event.
        assert_eq!(outbox.owners((1..7).map(Uuid::from_u128)).unwrap().len(), 6);
    }
}

#[test]
fn a_session_that_is_excluded_no_more_waits_again_where_it_was_not_sent() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    let writer = |events: &[_], checkpoint: Option<&[u8]>| {
        let mut writer = outbox.begin(&entry("a"), &destination(), at(0)).unwrap();
        for event in events {
            writer.push(Redacted::clone(event)).unwrap();
        }
        writer
            .commit(checkpoint.map(kept).as_ref(), [], &[])
            .unwrap()
    };
    writer(&spans(1..4), Some(b"here"));
    outbox
        .acknowledge_events(1, &claim_all(&outbox)[..1], at(1))
        .unwrap();
    exclude(&outbox, Cause::Paused);
    outbox.withdraw_excluded(at(2)).unwrap();
    // The session has to be read from the start to reach the events again.
    let session = outbox.session("claude-code", "a").unwrap().unwrap();
    assert_eq!(session.checkpoint, None);

    let exclusions = outbox.exclusions();
    exclusions.remove(&exclusions.all().unwrap()[0]).unwrap();
    let again = writer(&spans(1..4), None);
    assert_eq!((again.new, again.known), (2, 1));
    assert_eq!(outbox.withdraw_excluded(at(3)).unwrap(), 0);
    assert_eq!(claim_all(&outbox).len(), 2);
    assert_consistent(&outbox);
}

#[test]
fn forgetting_a_session_deletes_its_project_and_its_checkpoint() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    let writer = outbox.begin(&entry("a"), &destination(), at(0)).unwrap();
    writer
        .commit(Some(&kept(b"what was said")), [], &[])
        .unwrap();
    let run = Run {
        at: at(0),
        kind: RunKind::SessionEnd,
        session: Some("a".into()),
        duration_ms: 1,
        sent: 0,
        error: None,
        warnings: Vec::new(),
    };
    outbox.log_run(&run).unwrap();
    exclude(&outbox, Cause::Forgotten);
    assert_eq!(outbox.withdraw_excluded(at(1)).unwrap(), 0);
    let session = outbox.session("claude-code", "a").unwrap().unwrap();
    assert_eq!(session.checkpoint, None);
    let status = outbox.status().unwrap();
    let shown = &status.sessions[0];
    assert_eq!(shown.project, None);
    assert_eq!(status.runs[0].session, None);
}
