//! Applications that the gateway starts itself, holds and renews: `[app.NAME]`.
//!
//! Each application has one [`Application`]: a task that does what the `supervisor`, a state machine, decides. A generation
//! is one start of the application with one set of settings; it has a listening socket of its own, which this process holds
//! from before the start of its process to after its end. A process that crashes and is started again therefore goes on
//! with the connections that wait in that socket.
//!
//! What has to happen between fork and exec (user, limits, descriptors) is done by this program in another role
//! ([`helper`]), so that the crate needs no `unsafe`. Knows neither HTTP nor upstreams: what asks an application and what
//! knows of its requests is given as [`Traffic`].

mod application;
mod child;
mod config;
mod driver;
mod exit;
mod group;
pub mod helper;
pub mod init;
mod kind;
mod launch;
mod lines;
mod notification;
mod outcome;
mod runtime_dir;
mod socket;
mod supervisor;
mod tail;
mod traffic;

pub use application::Application;
pub use config::{AppConfig, AppTimeouts, Kind, ResourceLimits, StopSignal};
pub use kind::{php_fpm, speaks};
pub use launch::Helper;
pub use outcome::Outcome;
pub use runtime_dir::RuntimeDir;
pub use traffic::{Place, Traffic};
