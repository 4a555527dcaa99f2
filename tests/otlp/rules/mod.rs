//! The rules for mapping spans: each test states a rule, and its table has every name and case of
//! the rule.

mod content;
mod errors;
mod kinds;
mod lenient;
mod people;
mod places;
mod tools;
mod values;
