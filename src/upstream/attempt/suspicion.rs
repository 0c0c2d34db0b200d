//! What may be wrong with the settings of an application that fails without a word of why.

use std::fmt;

use super::preview::Preview;
use super::upstream::Upstream;
use crate::protocol::{DecodeError, RequestHead};
use crate::transport::Address;
use crate::upstream::model::config::ProtocolName;
use crate::upstream::model::{Endpoint, Failure};
use crate::upstream::wire::pump::Pump;

/// The likely cause of a failure that the endpoint does not explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspicion {
    /// PHP-FPM closes connections from addresses that it was not told of.
    AllowedClients,
    /// uWSGI closes the connection of a request with so many bytes of variables.
    BufferSize { sent: usize, unanswered: bool },
    /// Nothing that came so far was an answer.
    Protocol,
}

impl Suspicion {
    /// The cause of a failure that the endpoint is to blame for, if there is anything to suspect.
    pub(super) fn of(
        upstream: &Upstream,
        endpoint: &Endpoint,
        failure: &Failure,
        head: &RequestHead,
    ) -> Option<Self> {
        let (protocol, unanswered) = (upstream.config.protocol, !endpoint.has_answered());
        let closed = matches!(failure, Failure::Io(_) | Failure::Decode(DecodeError::Empty));
        let by_uwsgi = matches!(protocol, ProtocolName::Uwsgi | ProtocolName::Scgi);
        if closed
            && by_uwsgi
            && let Some(sent) = sent(upstream, head).filter(|sent| *sent > BUFFER_SIZE)
        {
            return Some(Self::BufferSize { sent, unanswered });
        }
        let local = matches!(endpoint.config.address, Address::Unix(_));
        match (closed, protocol) {
            (true, ProtocolName::FastCgi) if unanswered && !local => Some(Self::AllowedClients),
            _ => unanswered.then_some(Self::Protocol),
        }
    }
}

impl fmt::Display for Suspicion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllowedClients => f.write_str(
                "closes every connection without an answer, as PHP-FPM does with addresses that are not in its \
                 listen.allowed_clients; or: does it speak this protocol?",
            ),
            Self::BufferSize { sent, unanswered } => {
                let or = match unanswered {
                    true => "; or: does it speak this protocol?",
                    false => "",
                };
                write!(
                    f,
                    "closes the connection of a request with {sent} bytes of variables without an answer, as uWSGI does \
                     above its buffer-size ({BUFFER_SIZE} unless set): max_block is to be no larger than that{or}"
                )
            }
            Self::Protocol => f.write_str("has not answered anything yet: does it speak this protocol?"),
        }
    }
}

/// Bytes of a request that are no body.
fn sent(upstream: &Upstream, head: &RequestHead) -> Option<usize> {
    match upstream.preview(head) {
        Ok(Preview::Variables { size, .. }) => size.ok(),
        _ => None,
    }
}

/// Says which script it was that PHP-FPM did not find, and why that may be: its own words name neither.
#[inline]
pub(super) fn tell_of_script(pump: &Pump, upstream: &Upstream, head: &RequestHead) {
    if pump.script_is_unknown() {
        tell(upstream, head);
    }
}

#[cold]
fn tell(upstream: &Upstream, head: &RequestHead) {
    let own = head.extra.iter().find(|(name, _)| name == "SCRIPT_FILENAME");
    let file = own.map(|(_, value)| value).or(head.script.filename.as_ref());
    let (request, upstream) = (head.id, &*upstream.name);
    match file {
        Some(file) => {
            let script = String::from_utf8_lossy(file);
            tracing::warn!(%request, upstream, ?script, "{UNKNOWN}");
        }
        None => tracing::warn!(%request, upstream, "{UNNAMED}"),
    }
}

const UNKNOWN: &str = "PHP-FPM finds no such script: it may not be there (a front_controller has to be a file below the \
                       root), be closed to the user of the pool, or have another path for PHP-FPM, with `chroot` in the \
                       pool or in a container (remote_root)";

const UNNAMED: &str = "PHP-FPM was not told which script to run: that takes a route with `php`, or `script_filename` in \
                       `proxy`";

/// Bytes of variables that uWSGI takes unless its buffer-size says otherwise.
const BUFFER_SIZE: usize = 4096;

#[cfg(test)]
mod tests {
    use std::io;

    use http::Method;

    use super::*;
    use crate::protocol::fields::FieldName;
    use crate::protocol::samples;
    use crate::upstream::admit::pool::tests::config;
    use crate::upstream::model::UpstreamConfig;
    use crate::upstream::model::config::EndpointConfig;

    fn suspected(protocol: ProtocolName, address: &str, cookie: usize, failure: &Failure) -> String {
        let upstream = Upstream::new(UpstreamConfig {
            protocol,
            endpoints: vec![EndpointConfig::new(address.parse().unwrap())],
            ..config(0, 1, 1, 1)
        });
        let mut head = samples::request(Method::GET);
        head.fields.try_set(FieldName::Cookie, &vec![b'x'; cookie]);
        let endpoint = upstream.endpoints()[0].clone();
        Suspicion::of(&upstream, &endpoint, failure, &head)
            .map_or_else(String::new, |found| found.to_string())
    }

    #[test]
    fn the_likely_cause_is_that_of_the_server_at_hand() {
        use ProtocolName::{FastCgi, Scgi, Uwsgi};
        let reset = Failure::Io(io::ErrorKind::ConnectionReset.into());
        let empty = Failure::Decode(DecodeError::Empty);
        let odd = Failure::Decode(DecodeError::Version(b'H'));
        let (tcp, unix) = ("192.0.2.1:9000", "unix:/run/x.sock");
        for (protocol, address, cookie, failure, part) in [
            (FastCgi, tcp, 0, &reset, "listen.allowed_clients"),
            (FastCgi, tcp, 0, &empty, "listen.allowed_clients"),
            (FastCgi, tcp, 0, &odd, "has not answered anything yet"),
            (FastCgi, unix, 0, &empty, "has not answered anything yet"),
            (
                Uwsgi,
                tcp,
                5000,
                &reset,
                "above its buffer-size (4096 unless set): max_block",
            ),
            (Uwsgi, unix, 5000, &empty, "above its buffer-size"),
            (Scgi, unix, 5000, &empty, "above its buffer-size"),
            (Uwsgi, tcp, 10, &reset, "has not answered anything yet"),
        ] {
            let said = suspected(protocol, address, cookie, failure);
            assert!(said.contains(part), "{protocol:?} {address} {failure}: {said}");
            assert!(said.contains("does it speak this protocol?"), "{said}");
        }
    }
}
