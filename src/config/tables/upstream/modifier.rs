//! uwsgi modifiers: which numbers are requests to an application.

use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::Node;
use crate::config::shown::Shown;
use crate::config::units::{Number, Unit};

/// A `modifier1` that cannot do more than ask an application.
pub(super) struct Modifier;

/// What fits into the byte of a packet.
pub(super) const BYTE: Number = Number(0, 255);

impl Unit<u8> for Modifier {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<u8> {
        let modifier = BYTE.read(node, complaints)?;
        if let Some(power) = power(modifier) {
            complaints
                .error(
                    node.span.clone(),
                    format!("modifier1 {modifier} {power}; client requests are never sent as that"),
                )
                .help("usual are 0 (WSGI), 5 (PSGI), 7 (Rack), 9 (CGI), 14 (PHP) and 30");
        }
        Some(modifier)
    }

    fn show(&self, modifier: &u8) -> Shown {
        BYTE.show(modifier)
    }

    fn form(&self) -> Form {
        Unit::<u8>::form(&BYTE)
    }
}

/// What else a packet with this modifier does (protocol reference, section 2.2).
fn power(modifier: u8) -> Option<&'static str> {
    Some(match modifier {
        10 => "sets management flags of the server",
        17 => "puts a job into the spooler",
        18 => "calls any C function of the server",
        22 => "runs code from the request body",
        27 => "calls registered functions by number",
        31..=33 => "passes a message between processes",
        48 => "is SNMP",
        73 | 74 | 95 => "is cluster traffic",
        96 => "writes to the log of the server",
        97 | 98 => "reloads the server",
        99 => "asks for the configuration of the server",
        100 | 101 => "is a ping, which reaches no application",
        109 => "is traffic between instances",
        110 => "raises a signal in the server",
        111 => "reads and writes the server's cache",
        123 => "is traffic between routers",
        173 => "calls functions of the server remotely",
        200 | 255 => "is an answer, not a request",
        224 => "subscribes to a router",
        _ => return None,
    })
}
