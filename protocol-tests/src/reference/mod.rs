//! A correct application and a correct front end, each with one fault when that is asked for.
//!
//! They show that the cases can fail: every fault is caught by a case, and without one every case passes. Authors of
//! other runners find them useful for the same purpose: `bridgehead-conform reference`.
//!
//! They are written to be read: threads and blocking calls, one file for one noun, and a fault is one visible line in
//! correct code. They share nothing with [`crate::wire`], which judges them.

mod fault;
pub mod frontend;
mod listener;
mod percent;
pub mod server;
mod socket;

pub use fault::{Entry, Fault, Seeded};
pub use listener::{Listener, Running};
