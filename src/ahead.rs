//! Works on the next things while the caller is busy with one.

use std::collections::VecDeque;
use std::panic;
use std::thread::{self, ScopedJoinHandle};

/// Hands what `work` makes of every item to `sink`, in the order of the items. Meanwhile the next
/// items are worked on, as many at once as there are processors and as together weigh no more than
/// `limit`; one at least, whatever it weighs.
///
/// # Errors
/// The first error of `sink`; nothing is handed to it afterwards.
pub fn in_order<T: Send, R: Send, E>(
    items: impl IntoIterator<Item = T>,
    weight: impl Fn(&T) -> u64,
    limit: u64,
    work: impl Fn(T) -> R + Sync,
    mut sink: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let work = &work;
    let mut items = items.into_iter().peekable();
    thread::scope(|scope| {
        let mut ahead: VecDeque<(u64, ScopedJoinHandle<'_, R>)> = VecDeque::new();
        let mut load = 0;
        loop {
            let next = |item: &T| {
                ahead.is_empty() || ahead.len() <= processors && load + weight(item) <= limit
            };
            if let Some(item) = items.next_if(next) {
                let weight = weight(&item);
                load += weight;
                ahead.push_back((weight, scope.spawn(move || work(item))));
                continue;
            }
            let Some((weight, done)) = ahead.pop_front() else {
                return Ok(());
            };
            load -= weight;
            sink(
                done.join()
                    .unwrap_or_else(|panic| panic::resume_unwind(panic)),
            )?;
        }
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
    fn what_weighs_too_much_waits_for_the_others() {
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
    fn after_an_error_nothing_is_handed_on() {
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
}
