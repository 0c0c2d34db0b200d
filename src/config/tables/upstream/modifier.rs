//! uwsgi modifiers: which numbers are requests to an application.

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::units::{Checked, Number};

/// What fits into the byte of a packet.
pub(super) const BYTE: Number = Number(0, 255);

/// A `modifier1` that cannot do more than ask an application.
pub(super) const MODIFIER: Checked<Number, u8> = Checked {
    unit: BYTE,
    words: None,
    check,
};

fn check(modifier: &At<u8>, complaints: &mut Complaints) {
    if let Some(power) = power(**modifier) {
        complaints
            .error(
                modifier.span(),
                format!(
                    "modifier1 {} {power}; client requests are never sent as that",
                    **modifier
                ),
            )
            .help("usual are 0 (WSGI), 5 (PSGI), 7 (Rack), 9 (CGI), 14 (PHP) and 30");
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
