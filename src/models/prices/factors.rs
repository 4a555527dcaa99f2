//! Factors of standard prices.

/// The price of a call relative to the standard one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Factors {
    /// Factor of input, output and cache writes.
    pub(super) tokens: f64,
    /// Factor of cache reads, which some tiers do not discount.
    pub(super) cache_read: f64,
}

impl Factors {
    /// The standard price.
    pub(super) const STANDARD: Self = Self::all(1.0);

    /// The same factor for all token counts.
    pub(super) const fn all(factor: f64) -> Self {
        Self {
            tokens: factor,
            cache_read: factor,
        }
    }
}
