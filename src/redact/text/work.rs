//! A count of the bytes read, by which tests measure the cost of hostile text without a clock.

#[cfg(test)]
thread_local! {
    static BYTES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Adds to the count. Costs nothing outside tests.
#[inline]
pub(crate) fn add(bytes: usize) {
    #[cfg(test)]
    BYTES.set(BYTES.get() + bytes as u64);
    #[cfg(not(test))]
    let _ = bytes;
}

/// The bytes read by this thread since the last call.
#[cfg(test)]
pub(crate) fn take() -> u64 {
    BYTES.take()
}
