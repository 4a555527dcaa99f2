//! What leaves the machine, and where to: content where it is wanted and nowhere else, secrets
//! never, and only to places that the user chose.

mod agents;
mod changing;
mod committed;
mod consent;
mod excluded;
mod planted;
