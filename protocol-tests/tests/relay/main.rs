//! The relay between real peers: what it passes on, what it writes down, and the cases that come out of that.

#![allow(clippy::unwrap_used)] // all of it is tests

mod cli;
mod drafted;
mod nginx;
mod passing;
mod running;
