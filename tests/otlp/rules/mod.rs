//! The mapping of spans, sentence by sentence: each test states a rule, and its table every name
//! and case that the rule is about.

mod content;
mod errors;
mod kinds;
mod lenient;
mod people;
mod places;
mod tools;
mod values;
