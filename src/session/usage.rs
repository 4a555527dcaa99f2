//! Token counts and cost of one call.

use serde::{Deserialize, Serialize};

/// Token counts of one response. `input` excludes cache reads and cache writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens outside the cache.
    pub input: u64,
    /// Output tokens, including thinking.
    pub output: u64,
    /// Thinking tokens, if reported separately.
    pub reasoning: Option<u64>,
    /// Input tokens read from the cache.
    pub cache_read: u64,
    /// Input tokens written to the cache, for all lifetimes.
    pub cache_write: u64,
    /// The part of `cache_write` kept for longer than the provider's usual lifetime (with
    /// Anthropic one hour instead of five minutes).
    pub cache_write_long: u64,
    /// The parts of all input tokens that are not text.
    #[serde(default, skip_serializing_if = "MediaTokens::is_none")]
    pub media_input: MediaTokens,
    /// The parts of `output` that are not text.
    #[serde(default, skip_serializing_if = "MediaTokens::is_none")]
    pub media_output: MediaTokens,
    /// Number of web searches that the provider ran.
    pub web_searches: u64,
    /// Number of web pages that the provider fetched.
    #[serde(default)]
    pub web_fetches: u64,
}

/// Tokens of sound and pictures. Providers bill them at other prices than text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaTokens {
    /// Tokens of sound.
    pub audio: u64,
    /// Tokens of images.
    pub image: u64,
    /// Tokens of moving pictures.
    pub video: u64,
}

/// Whether the output token count of a call is its final one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputCount {
    /// The count is final.
    Final,
    /// The count is the initial value of a stream: the agent never recorded the final one.
    Placeholder,
}

/// How a call reported its input tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheCounts {
    /// Input tokens outside the cache only.
    #[default]
    Apart,
    /// All input tokens, including those read from the cache or written to it.
    Included,
}

/// Whether a call reported its usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageReport {
    /// Usage was reported, or the call failed and used nothing.
    Present,
    /// No part of the response reported usage: its counts are unknown.
    Missing,
}

/// Cost of one call in USD, as computed by the agent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Total cost in USD.
    pub total: f64,
    /// Cost of input in USD, including cached input, if the agent splits the cost.
    pub input: Option<f64>,
    /// Cost of output in USD, if the agent splits the cost.
    pub output: Option<f64>,
}

impl MediaTokens {
    /// Whether there are none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn with(self, other: Self, each: fn(u64, u64) -> u64) -> Self {
        Self {
            audio: each(self.audio, other.audio),
            image: each(self.image, other.image),
            video: each(self.video, other.video),
        }
    }
}

impl Usage {
    /// The sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    /// The difference, count by count, at least zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.with(other, u64::saturating_sub)
    }

    /// Input tokens in the way they were reported.
    #[must_use]
    pub const fn input_as(self, counts: CacheCounts) -> u64 {
        match counts {
            CacheCounts::Apart => self.input,
            CacheCounts::Included => self.input + self.cache_read + self.cache_write,
        }
    }

    /// Input tokens written to the cache for the provider's usual lifetime.
    #[must_use]
    pub const fn cache_write_usual(self) -> u64 {
        self.cache_write.saturating_sub(self.cache_write_long)
    }

    /// Combines the usage in two parts of one response. The part with more output was written later
    /// and counts, except for counts that it omits.
    #[must_use]
    pub fn completed_by(self, other: Self) -> Self {
        let (earlier, later) = if other.output >= self.output {
            (self, other)
        } else {
            (other, self)
        };
        let whole = later.with(
            earlier,
            |later, earlier| if later == 0 { earlier } else { later },
        );
        Self {
            reasoning: later.reasoning.or(earlier.reasoning),
            ..whole.consistent()
        }
    }

    /// The difference of books to `other`, in which cache lifetimes are given for a part of the
    /// writes at most: all cache writes count, and at most their difference is split by lifetime.
    pub(super) fn beyond(self, other: Self) -> Self {
        self.minus(other).consistent()
    }

    /// The same usage with no more cache writes of one lifetime than of all.
    fn consistent(self) -> Self {
        Self {
            cache_write_long: self.cache_write_long.min(self.cache_write),
            ..self
        }
    }

    fn with(self, other: Self, each: fn(u64, u64) -> u64) -> Self {
        let reasoning = each(self.reasoning.unwrap_or(0), other.reasoning.unwrap_or(0));
        let is_told = self.reasoning.or(other.reasoning).is_some() && reasoning > 0;
        Self {
            input: each(self.input, other.input),
            output: each(self.output, other.output),
            reasoning: is_told.then_some(reasoning),
            cache_read: each(self.cache_read, other.cache_read),
            cache_write: each(self.cache_write, other.cache_write),
            cache_write_long: each(self.cache_write_long, other.cache_write_long),
            media_input: self.media_input.with(other.media_input, each),
            media_output: self.media_output.with(other.media_output, each),
            web_searches: each(self.web_searches, other.web_searches),
            web_fetches: each(self.web_fetches, other.web_fetches),
        }
    }
}
