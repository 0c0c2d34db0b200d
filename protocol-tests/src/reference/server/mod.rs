//! The reference application: FastCGI, uwsgi or SCGI around the probe application of the kit's README.
//!
//! | module | what it is |
//! |---|---|
//! | `fault` | what can be wrong with it |
//! | `application` | the paths of the probe application |
//! | `exchange` | a request and its answer, as the application sees them |
//! | `stop` | why a request or a connection ends |
//! | `fastcgi`, `record`, `pairs` | FastCGI |
//! | `uwsgi`, `scgi` | the protocols without records |
//! | `length` | CONTENT_LENGTH |
//! | `plain` | what these two have in common: an unframed body and answer |

mod application;
mod exchange;
mod fastcgi;
mod fault;
mod length;
mod pairs;
mod plain;
mod record;
mod scgi;
mod stop;
mod uwsgi;

pub use fault::Fault;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::socket::Socket;
use super::{Listener, Running, Seeded};
use crate::protocol::Protocol;

/// The variables of a request.
type Variables = BTreeMap<Vec<u8>, Vec<u8>>;

/// Adds a variable; of those that are there twice, the last counts.
fn insert(variables: &mut Variables, name: &[u8], value: &[u8], fault: Seeded<Fault>) {
    let known = variables.insert(name.to_vec(), value.to_vec());
    if known.is_some() && fault.is(Fault::TwiceIsNever) {
        variables.remove(name);
    }
}

/// An application server.
#[derive(Debug)]
pub struct Server {
    protocol: Protocol,
    fault: Seeded<Fault>,
    /// The appStatus of the last answer, for a fault that keeps it.
    last_status: AtomicU32,
    /// Whether a fault has ended the program.
    dead: AtomicBool,
    /// Taken by the only worker, for a fault that has no other.
    worker: Mutex<()>,
}

impl Server {
    /// `None` for [`Protocol::Http`]: it is no protocol of applications.
    pub fn new(protocol: Protocol, fault: Seeded<Fault>) -> Option<Self> {
        (protocol != Protocol::Http).then(|| Self {
            protocol,
            fault,
            last_status: AtomicU32::new(0),
            dead: AtomicBool::new(false),
            worker: Mutex::new(()),
        })
    }

    /// Serves until the result is dropped.
    pub fn serve(self, listener: Listener) -> Running {
        let server = Arc::new(self);
        listener.serve(move |socket| server.connection(socket))
    }

    /// Whatever ends a connection concerns nobody else.
    fn connection(&self, socket: Socket) {
        let endless = self.fault.is(Fault::NoReadTimeout) || self.fault.is(Fault::EndlessLength);
        if socket
            .set_patience(if endless { ENDLESS } else { PATIENCE })
            .is_err()
        {
            return;
        }
        if self.dead.load(Ordering::Relaxed) {
            return;
        }
        let _only = self.fault.is(Fault::OnlyWorkerHeld).then(|| self.worker.lock());
        match self.protocol {
            Protocol::FastCgi => fastcgi::serve(socket, self),
            Protocol::Uwsgi => uwsgi::serve(socket, self.fault),
            Protocol::Scgi => scgi::serve(socket, self.fault),
            Protocol::Http => {}
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(5); // for a client that neither sends nor reads
const ENDLESS: Duration = Duration::from_secs(3600); // as good as no limit
const MAX_BODY: usize = 16 << 20; // bytes of a request
const MAX_VARIABLES: usize = 4 << 20; // bytes of all variables of a request, as they are coded
