//! Content that leaves the machine: only where it is wanted, without secrets, and only to
//! destinations that the user chose.

mod agents;
mod changing;
mod committed;
mod consent;
mod excluded;
mod planted;
mod spelling;
