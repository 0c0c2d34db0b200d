//! Gunicorn with `--protocol uwsgi`.

use anyhow::Result;
use bridgehead_conform::net::Address;
use testbed::Kind;

use super::{Setting, backend, options, python_app};
use crate::conform::instance::Running;

/// Starts it with a class of workers; asgi workers get an application of their own.
pub(super) fn start(worker: &str, setting: Setting) -> Result<(Address, Running)> {
    let mut options = options(setting);
    let app = if worker == "asgi" {
        "probe_asgi.py"
    } else {
        "probe.py"
    };
    options.app = Some(python_app(app)?);
    options.extra = vec!["--worker-class".to_owned(), worker.to_owned()];
    if setting == Setting::Harakiri {
        options.extra.extend(["--timeout".to_owned(), "3".to_owned()]);
    }
    backend(Kind::GunicornUwsgi, &options)
}
