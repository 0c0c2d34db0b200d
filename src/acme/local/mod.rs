//! The local authority: certificates for names that no public one can prove, `localhost`, `*.internal`, `192.168.1.7`.
//!
//! It is made once in a directory of the state and stays there; browsers believe it after `bridgehead trust --install`. Its
//! key never leaves the file. What it may issue is part of its own certificate (RFC 5280, section 4.2.1.10): were the key
//! stolen, it would be good for names of the own machine and network, and for no bank.
//!
//! A certificate with its key is one file, replaced as a whole: no reader gets one without the other. It is good
//! for a month and renewed at two thirds of that. Several processes may share the directory.
//!
//! Everything here waits for the disk: not for a thread of the runtime.

mod authority;
mod issue;
mod placeholder;
mod private;

pub use authority::{LocalAuthority, LocalError};
pub use issue::{directory, path, provide};
pub use placeholder::{is_placeholder, placeholder};
