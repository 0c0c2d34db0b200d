//! uwsgi modifier1 100: four bytes there, four bytes back.
//!
//! Needs uWSGI's ping plugin; without it uWSGI closes and says nothing (reference, section 2.2). Gunicorn refuses
//! any modifier but 0.

use std::ops::ControlFlow;

use bytes::{BufMut, BytesMut};

use super::talk::{Listen, open, talk};
use super::verdict::{Cause, Verdict};
use crate::protocol::uwsgi::Packet;
use crate::upstream::model::config::EndpointConfig;
use crate::upstream::wire::connection::Connection;
use crate::upstream::wire::dialer::Dialer;

/// Asks for a pong.
pub(super) async fn ask(dialer: &Dialer, endpoint: &EndpointConfig) -> Verdict {
    let stream = match open(dialer, endpoint).await {
        Ok(stream) => stream,
        Err(verdict) => return verdict,
    };
    let mut connection = Connection::boxed(stream);
    connection.queue.tail().put_slice(&PING.to_bytes());
    talk(&mut connection, &mut Listener).await
}

struct Listener;

impl Listen for Listener {
    type Heard = Verdict;

    fn hear(&mut self, received: &mut BytesMut) -> ControlFlow<Verdict> {
        match Packet::take(received) {
            None => ControlFlow::Continue(()),
            Some(PONG) => ControlFlow::Break(Verdict::Alive),
            Some(_) => ControlFlow::Break(Verdict::Dead(Cause::NotPong)),
        }
    }

    fn end(&mut self) -> Verdict {
        Verdict::Dead(Cause::NoPong)
    }

    fn broken(&mut self, cause: Cause) -> Verdict {
        Verdict::Dead(cause)
    }
}

const PING: Packet = Packet {
    modifier1: 100,
    size: 0,
    modifier2: 0,
};

const PONG: Packet = Packet { modifier2: 1, ..PING };
