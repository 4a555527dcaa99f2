//! Counts the bytes that are looked at, so that tests can tell what hostile text costs without a clock.

#[cfg(test)]
thread_local! {
    static BYTES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// So many bytes were looked at. Costs nothing outside tests.
#[inline]
pub(super) fn add(bytes: usize) {
    #[cfg(test)]
    BYTES.set(BYTES.get() + bytes as u64);
    #[cfg(not(test))]
    let _ = bytes;
}

/// The bytes looked at by this thread since the last call.
#[cfg(test)]
pub(super) fn take() -> u64 {
    BYTES.take()
}
