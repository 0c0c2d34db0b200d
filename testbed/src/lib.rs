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
//! Dropping the [`Backend`] ends the server and everything it started. A server that is not installed makes
//! [`Kind::start`] fail with the line that installs it; nothing here is ever skipped. Nothing on the system is
//! configured or written to, apart from the temporary directory and the virtual environment below `target/`.
//! Linux only, and made for the packages of Debian 12.

mod backend;
mod fcgiwrap;
mod gunicorn;
mod kind;
mod options;
mod packages;
mod php;
mod place;
mod proc;
mod uwsgi;
mod venv;

pub use backend::Backend;
pub use kind::Kind;
pub use options::Options;
pub use packages::{DEBIAN_PACKAGES, install_line, missing};
pub use place::{app_dir, script, target_dir, workspace};
pub use rustix::process::Signal;
pub use venv::{ensure_venv, venv};
