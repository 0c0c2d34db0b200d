//! Which endpoint a request is to go to.

pub mod balance;
pub mod key;
pub mod sticky;
