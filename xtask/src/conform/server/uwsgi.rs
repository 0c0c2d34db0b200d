//! uWSGI on each of its sockets.

use anyhow::Result;
use bridgehead_conform::net::Address;
use bridgehead_conform::protocol::Protocol;
use testbed::Kind;

use super::{Setting, backend, options, python_app};
use crate::conform::instance::Running;

/// Starts it with the probe in plain WSGI.
pub(super) fn start(protocol: Protocol, setting: Setting) -> Result<(Address, Running)> {
    let kind = match protocol {
        Protocol::FastCgi => Kind::UwsgiFastcgi,
        Protocol::Uwsgi => Kind::UwsgiUwsgi,
        Protocol::Scgi => Kind::UwsgiScgi,
        Protocol::Http => Kind::UwsgiHttp,
    };
    let mut options = options(setting);
    options.app = Some(python_app("probe.py")?);
    if setting == Setting::Harakiri {
        options.extra = vec!["--harakiri".to_owned(), "3".to_owned()];
    }
    backend(kind, &options)
}
