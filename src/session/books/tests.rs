use super::*;

fn calls(number: u64) -> Usage {
    Usage {
        input: 12 * number,
        output: 321 * number,
        ..Usage::default()
    }
}

fn time(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

fn statement(second: i64, number: u64) -> Statement {
    Statement {
        since: None,
        at: time(second),
        used: ByModel::from([("opus".to_owned(), calls(number))]),
    }
}

fn listed(seconds: &[i64]) -> Vec<(DateTime<Utc>, &'static str, Usage)> {
    seconds
        .iter()
        .map(|second| (time(*second), "opus", calls(1)))
        .collect()
}

#[test]
fn books_that_agree_add_nothing() {
    let found = Balance::default().reconcile(&[statement(10, 2)], listed(&[1, 2]), false);
    assert_eq!((found.unlisted, found.exceeded), (vec![], 0));
}

#[test]
fn calls_in_no_line_belong_to_the_statement_by_which_they_appear() {
    let statements = [
        statement(10, 3),
        statement(20, 4),
        statement(30, 6),
        statement(40, 7),
    ];
    let found = Balance::default().reconcile(&statements, listed(&[1, 2, 3, 15, 35]), false);
    let expected = Unlisted {
        statement: 2,
        at: time(30),
        model: "opus".to_owned(),
        usage: calls(2),
    };
    assert_eq!((found.unlisted, found.exceeded), (vec![expected], 0));
}

#[test]
fn a_session_read_in_two_parts_gives_the_same() {
    let statements = [
        statement(10, 3),
        statement(20, 4),
        statement(30, 6),
        statement(40, 8),
    ];
    let whole = Balance::default().reconcile(&statements, listed(&[1, 2, 3, 15, 35]), false);
    let first = Balance::default().reconcile(&statements[..2], listed(&[1, 2, 3, 15]), false);
    let second = first
        .balance
        .clone()
        .reconcile(&statements[2..], listed(&[35]), false);
    let parts = [first.unlisted, second.unlisted].concat();
    assert_eq!((parts, second.balance), (whole.unlisted, whole.balance));
}

#[test]
fn a_fork_is_not_charged_for_inherited_usage() {
    let statements = [statement(10, 5), statement(20, 7)];
    let found = Balance::default().reconcile(&statements, listed(&[1, 15]), true);
    assert_eq!(
        (found.unlisted.len(), found.unlisted[0].usage),
        (1, calls(1))
    );
}

#[test]
fn a_fork_that_is_read_in_parts_inherits_the_books_of_its_first_part() {
    let first = Balance::default().reconcile(&[], listed(&[1]), true);
    let second = first
        .balance
        .reconcile(&[statement(20, 7)], listed(&[15]), false);
    assert_eq!(second.unlisted, []);
}

#[test]
fn a_search_counts_once_whichever_model_ran_it() {
    let searching = |usage| Usage {
        web_searches: 2,
        ..usage
    };
    let used = ByModel::from([
        ("haiku".to_owned(), searching(calls(1))),
        ("opus".to_owned(), calls(1)),
    ]);
    let statement = Statement {
        since: None,
        at: time(10),
        used,
    };
    let listed = [(time(1), "opus", searching(calls(1)))];
    let found = Balance::default().reconcile(&[statement], listed, false);
    let usages: Vec<Usage> = found.unlisted.iter().map(|it| it.usage).collect();
    assert_eq!((usages, found.exceeded), (vec![calls(1)], 0));
}

#[test]
fn a_difference_in_cache_lifetimes_alone_adds_nothing() {
    let written = |all, long| Usage {
        cache_write: all,
        cache_write_long: long,
        ..calls(1)
    };
    for (in_line, in_books, beyond) in [
        (written(9149, 9149), written(9149, 0), None),
        (written(9149, 9149), written(9149, 100), None),
        (written(9149, 0), written(9149, 9149), None),
        (written(100, 100), written(300, 0), Some((200, 0))),
        (written(100, 100), written(300, 250), Some((50, 150))),
    ] {
        let statement = Statement {
            used: ByModel::from([("opus".to_owned(), in_books)]),
            ..statement(10, 1)
        };
        let found = Balance::default().reconcile(&[statement], [(time(1), "opus", in_line)], false);
        let split = |usage: Usage| (usage.cache_write_usual(), usage.cache_write_long);
        let split: Vec<_> = found.unlisted.iter().map(|it| split(it.usage)).collect();
        assert_eq!(split, Vec::from_iter(beyond), "{in_line:?} {in_books:?}");
        assert_eq!(found.exceeded, 0, "{in_line:?} {in_books:?}");
    }
}

#[test]
fn parts_of_a_response_complete_each_other() {
    let written = |output, all, long| Usage {
        output,
        cache_write: all,
        cache_write_long: long,
        ..Usage::default()
    };
    let whole = Usage {
        input: 10,
        cache_read: 1000,
        ..written(50, 200, 200)
    };
    for (part, other) in [
        (whole, Usage::default()),
        (whole, written(50, 0, 0)),
        (whole, written(50, 200, 0)),
        (Usage { output: 5, ..whole }, written(50, 0, 0)),
        // The first of them is an estimate.
        (
            Usage {
                input: 99,
                ..written(5, 0, 0)
            },
            whole,
        ),
    ] {
        assert_eq!(part.completed_by(other), whole, "{part:?} {other:?}");
        if part.output != other.output {
            assert_eq!(other.completed_by(part), whole, "{part:?} {other:?}");
        }
    }
}

#[test]
fn usage_of_a_killed_run_is_in_no_books() {
    let statement = Statement {
        since: Some(time(5)),
        ..statement(10, 3)
    };
    let found = Balance::default().reconcile(&[statement], listed(&[1, 2, 8]), false);
    let usages: Vec<Usage> = found.unlisted.iter().map(|it| it.usage).collect();
    assert_eq!((usages, found.exceeded), (vec![calls(2)], 0));
}

#[test]
fn books_that_a_later_run_begins_anew_add_up_with_those_before() {
    let since = |second, statement| Statement {
        since: Some(time(second)),
        ..statement
    };
    // The first run has two lines and a background call, the second one line and two such calls,
    // and another such call before its books are written again.
    let statements = [
        since(0, statement(10, 3)),
        since(20, statement(30, 3)),
        since(20, statement(40, 4)),
    ];
    let listed = listed(&[1, 2, 25]);
    let whole = Balance::default().reconcile(&statements, listed.clone(), false);
    let usages: Vec<Usage> = whole.unlisted.iter().map(|it| it.usage).collect();
    assert_eq!(
        (usages, whole.exceeded),
        (vec![calls(1), calls(2), calls(1)], 0)
    );
    for cut in 0..statements.len() {
        let (early, late) = statements.split_at(cut);
        let until = early.last().map(|statement| statement.at);
        let is_early = |(at, _, _): &(DateTime<Utc>, _, _)| Some(*at) <= until;
        let (before, after): (Vec<_>, Vec<_>) = listed.iter().copied().partition(is_early);
        let first = Balance::default().reconcile(early, before, false);
        let second = first.balance.reconcile(late, after, false);
        let parts = [first.unlisted, second.unlisted].concat();
        assert_eq!(parts, whole.unlisted, "after {cut}");
    }
    // A late statement of an earlier run's books counts nothing twice.
    let late = [
        statements[0].clone(),
        statements[1].clone(),
        since(0, statement(50, 3)),
    ];
    let found = Balance::default().reconcile(&late, listed, false);
    assert_eq!(found.unlisted.len(), 2);
}

#[test]
fn lines_beyond_the_books_are_counted_and_nothing_is_invented() {
    let statements = [statement(10, 1), statement(20, 3), statement(30, 5)];
    let found = Balance::default().reconcile(&statements, listed(&[1, 2, 15]), false);
    let usages: Vec<Usage> = found.unlisted.iter().map(|it| it.usage).collect();
    assert_eq!((usages, found.exceeded), (vec![calls(2)], 1));
}
