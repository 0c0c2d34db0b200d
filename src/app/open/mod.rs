//! What a start or a reload opens: logs, listeners, the pid file, document roots, the temporary directory.
//!
//! Every file system may hang, a FIFO may have no reader, a directory service may not answer. So all of it happens on a
//! thread of its own ([`Opener`]), with a deadline, while signals go on being answered; when it passes, the message names
//! the path and the setting. What has been opened is undone by being dropped: by a failure, a signal, or a deadline that has passed.
//!
//! Files are changed and given away by their descriptors only, never by their paths: see [`DirectoryEntry`]. At a start as
//! root this comes before the privileges are given up; what is served is opened after it, so that a root which the user
//! may not read is told at once.
//!
//! [`DirectoryEntry`]: crate::transport::DirectoryEntry

mod app_dir;
mod dns;
mod fpm_pool;
mod holder;
mod inspection;
mod listeners;
mod log;
mod material;
mod opening;
mod own_files;
mod pid_file;
mod progress;
mod reload;
mod roots;
mod start;
mod temp_dir;
mod warnings;

pub use inspection::{Finding, inspect, own_certificates};
pub(super) use listeners::{Added, Open};
pub(super) use log::{ACCESS, ERROR, Log, OF_ROUTE};
pub(super) use opening::{Opener, Opening};
pub(super) use pid_file::PidFile;
pub(super) use progress::Progress;
pub use reload::Source;
pub(super) use reload::{Held, Reload};
pub(super) use roots::root;
pub(super) use start::Start;
pub use start::open_error_log;
