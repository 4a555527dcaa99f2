//! All tests that run the program or read its files, in one binary: shared code is compiled and
//! linked once.

mod support;

mod architecture;
mod bad_input;
mod cases;
mod commands_in_docs;
mod crash;
mod dashboard;
mod docs;
mod doctor;
mod doubles;
mod e2e;
mod faults;
mod fuzz;
mod hostile_names;
mod ingest;
mod keys;
mod opencode;
mod otel;
mod otlp;
mod pi;
mod pipelines;
mod plugin;
mod privacy;
mod receive;
mod release;
mod report;
mod run;
mod serve;
mod setup;
mod show;
mod snapshots;
mod transcripts;
mod view;
mod windows;
