//! Runs work on other threads while the caller consumes earlier results.

use std::collections::VecDeque;
use std::panic;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, ScopedJoinHandle};

use anyhow::anyhow;

/// Number of results of one item to buffer before its worker blocks.
const RESULTS_AHEAD: usize = 4;

/// Maps `items` with `work` on worker threads and passes the results to `sink` in the order of the
/// items. Workers run a few items ahead per processor, limited to items whose `weight` sums to at
/// most `limit`; one item always runs, whatever it weighs.
///
/// # Errors
/// The first error of `sink`, which is not called again afterwards.
pub fn in_order<T: Send, R: Send, E>(
    items: impl IntoIterator<Item = T>,
    weight: impl Fn(&T) -> u64,
    limit: u64,
    work: impl Fn(T) -> R + Sync,
    sink: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let work = |item, results: &SyncSender<R>| {
        // Fails only after `sink` failed, when results are no longer needed.
        let _ = results.send(work(item));
    };
    streams_in_order(items, weight, limit, work, sink)
}

/// Like [`in_order`], but `work` sends any number of results per item. Results are passed to `sink`
/// once their item is next; until then a few are buffered. Sending fails when results are no longer
/// needed.
///
/// # Errors
/// The first error of `sink`, which is not called again afterwards.
pub fn streams_in_order<T: Send, R: Send, E>(
    items: impl IntoIterator<Item = T>,
    weight: impl Fn(&T) -> u64,
    limit: u64,
    work: impl Fn(T, &SyncSender<R>) + Sync,
    mut sink: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    // Twice the number of processors, since a worker that waits for its turn uses none.
    let most = 2 * thread::available_parallelism().map_or(1, usize::from);
    let work = &work;
    let mut items = items.into_iter().peekable();
    thread::scope(|scope| {
        let mut ahead: VecDeque<(u64, Receiver<R>, ScopedJoinHandle<'_, ()>)> = VecDeque::new();
        let mut load = 0;
        loop {
            let next =
                |item: &T| ahead.is_empty() || ahead.len() <= most && load + weight(item) <= limit;
            if let Some(item) = items.next_if(next) {
                let weight = weight(&item);
                load += weight;
                let (sender, results) = mpsc::sync_channel(RESULTS_AHEAD);
                let worker = scope.spawn(move || work(item, &sender));
                ahead.push_back((weight, results, worker));
                continue;
            }
            let Some((weight, results, worker)) = ahead.pop_front() else {
                return Ok(());
            };
            results.into_iter().try_for_each(&mut sink)?;
            worker
                .join()
                .unwrap_or_else(|panic| panic::resume_unwind(panic));
            load -= weight;
        }
    })
}

/// Runs `one` on another thread and `other` on this one, and returns both results.
pub fn beside<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        let one = one.join();
        (
            one.unwrap_or_else(|panic| panic::resume_unwind(panic)),
            other,
        )
    })
}

/// Passes the results of `work`, which runs on another thread, to `sink` in the order they were
/// sent. `work` runs up to `ahead` results ahead. Its sending fails after an error of `sink`, so
/// that it ends early.
///
/// # Errors
/// The first error of `sink`, otherwise that of `work`.
pub fn meanwhile<R: Send>(
    ahead: usize,
    work: impl FnOnce(&mut dyn FnMut(R) -> anyhow::Result<()>) -> anyhow::Result<()> + Send,
    sink: impl FnMut(R) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (sender, results) = mpsc::sync_channel(ahead);
    thread::scope(|scope| {
        let working = scope.spawn(move || {
            work(&mut |result| {
                let sent = sender.send(result);
                sent.map_err(|_| anyhow!("nothing more is wanted"))
            })
        });
        results.into_iter().try_for_each(sink)?;
        working
            .join()
            .unwrap_or_else(|panic| panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let mut seen = Vec::new();
        let slow_first = |item: u64| {
            thread::sleep(Duration::from_millis(8 - item));
            item
        };
        let done = in_order(
            0..8,
            |_| 1,
            100,
            slow_first,
            |item| {
                seen.push(item);
                Ok::<(), ()>(())
            },
        );
        assert_eq!((done, seen), (Ok(()), (0..8).collect()));
    }

    #[test]
    fn heavy_items_wait_for_the_others() {
        let (load, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let work = |weight: u64| {
            let now = load.fetch_add(weight, Ordering::SeqCst) + weight;
            most.fetch_max(now, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(1));
            load.fetch_sub(weight, Ordering::SeqCst);
        };
        let items = [4, 6, 5, 9, 100, 1, 1];
        let done = in_order(items, |weight| *weight, 10, work, |()| Ok::<(), ()>(()));
        assert_eq!(done, Ok(()));
        assert_eq!(most.into_inner(), 100, "nothing beside the heaviest");
    }

    #[test]
    fn no_result_follows_an_error() {
        let mut handed = 0;
        let done = in_order(
            0..100,
            |_| 1,
            10,
            |item| item,
            |item| {
                handed += 1;
                if item == 3 { Err("full") } else { Ok(()) }
            },
        );
        assert_eq!((done, handed), (Err("full"), 4));
    }

    #[test]
    fn results_of_one_item_come_together_and_as_they_are_made() {
        let made = AtomicU64::new(0);
        let mut seen = Vec::new();
        let work = |item: u64, results: &SyncSender<u64>| {
            for part in 0..50 {
                made.fetch_add(1, Ordering::SeqCst);
                results.send(item * 100 + part).expect("wanted");
            }
        };
        let done = streams_in_order(
            0..3,
            |_| 1,
            10,
            work,
            |result| {
                if seen.is_empty() {
                    // Three workers fill their buffers, hold one more result each, and then block.
                    thread::sleep(Duration::from_millis(5));
                    let bound = 3 * (RESULTS_AHEAD as u64 + 1) + 1;
                    assert!(made.load(Ordering::SeqCst) <= bound);
                }
                seen.push(result);
                Ok::<(), ()>(())
            },
        );
        let wanted = (0..3).flat_map(|item| (0..50).map(move |part| item * 100 + part));
        assert_eq!((done, seen), (Ok(()), wanted.collect()));
    }

    #[test]
    fn workers_end_when_results_are_no_longer_needed() {
        let endless = |item: u64, results: &SyncSender<u64>| while results.send(item).is_ok() {};
        let done = streams_in_order(0..100, |_| 1, 10, endless, Err);
        assert_eq!(done, Err(0));
    }
}
