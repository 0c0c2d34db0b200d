//! Playing cases: one thread for each, several at once.

mod lanes;
mod outcome;
mod pages;
mod player;
mod preflight;
mod schedule;
mod serving;

pub use lanes::run_started;
pub use outcome::{Outcome, Played, Verdict};
pub use pages::{BadPage, pages};
pub use player::play;
pub use preflight::preflight;
pub use schedule::{Plan, run};
