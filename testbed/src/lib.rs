//! Real application servers for tests, wire captures and benches: PHP-FPM, php-cgi, uWSGI, Gunicorn and fcgiwrap,
//! each on a unix socket in a temporary directory, serving the programs under `examples/apps`.
//!
//! ```no_run
//! use testbed::{Kind, Options};
//!
//! # fn main() -> anyhow::Result<()> {
//! let backend = Kind::PhpFpm.start(&Options::default())?;
//! println!("{} answers {} on {}", Kind::PhpFpm.name(), Kind::PhpFpm.protocol(), backend.address());
//! # Ok(())
//! # }
//! ```
//!
//! For tests of the whole gateway there are, besides: [`Gateway`], the program under test in a process of its own;
//! [`Client`], which sends any bytes, over TLS or not, and reports what came back; [`Authority`], which issues
//! certificates; [`Scripted`], a backend that does what a test tells
//! it; [`Door`], a TCP address in front of a backend; [`Process`], any other program; and [`Dns`], a real DNS server
//! whose records change; [`eventually`], which waits for what no event tells of. All of them
//! block, and none shares code with the gateway.
//!
//! Dropping the [`Backend`] ends the server and everything it started. A server that is not installed makes
//! [`Kind::start`] fail with the line that installs it; nothing here is ever skipped. Nothing on the system is
//! configured or written to, apart from the temporary directory and the virtual environment below `target/`.
//! Linux only, and made for the packages of Debian 12.

mod authority;
mod backend;
mod client;
mod directory;
mod dns;
mod door;
mod eventually;
mod fcgiwrap;
mod gateway;
mod gunicorn;
mod install;
mod kind;
mod options;
mod packages;
mod pebble;
mod php;
mod place;
mod port;
mod proc;
mod process;
mod program;
mod promtool;
mod scratch;
mod scripted;
mod tls;
mod uwsgi;
mod venv;

pub use authority::{Authority, Issued, Wanted};
pub use backend::Backend;
pub use client::{Client, Response};
pub use directory::{Asked, Directory, DirectoryScript};
pub use dns::Dns;
pub use door::Door;
pub use eventually::eventually;
pub use gateway::Gateway;
pub use install::{install_program, install_script};
pub use kind::Kind;
pub use options::Options;
pub use packages::{PACKAGES, Package, install_line, package};
pub use pebble::{Pebble, PebbleOptions};
pub use place::{app_dir, built, script, target_dir, workspace};
pub use port::free_address;
pub use proc::{allow_descriptors, is_listening, is_root, signal};
pub use process::Process;
pub use program::bridgehead;
pub use promtool::check_metrics;
pub use rustix::process::Signal;
pub use scratch::scratch;
pub use scripted::{Record, Scripted, ScriptedConnection, ScriptedRequest, fastcgi_record};
pub use tls::{Agreed, Secured, Tls, TlsClient, accept_tls, der};
pub use venv::{ensure_venv, venv};
