//! Playing cases: one thread for each, several at once.

mod outcome;
mod player;
mod schedule;
mod serving;

pub use outcome::{Outcome, Played, Verdict};
pub use player::play;
pub use schedule::{Plan, run};
