//! The sockets where questions of directories for the records of challenges come to.

use std::net::SocketAddr;

use anyhow::Result;

use super::progress::Progress;
use crate::acme::AcmeConfig;
use crate::acme::dns::DnsSockets;

/// Where they are, as configured, and themselves.
pub(in crate::app) type Dns = (Vec<SocketAddr>, DnsSockets);

/// Opens them, if there are to be some. `succeeds`: another process answers still, and may have had more rights.
pub(super) fn open(acme: &AcmeConfig, succeeds: bool, progress: &Progress) -> Result<Option<Dns>> {
    let Some(dns) = acme.dns.as_ref().filter(|_| acme.is_on()) else {
        return Ok(None);
    };
    let Some(first) = dns.addresses.first() else {
        return Ok(None);
    };
    progress.at("the DNS responder", "[acme] dns.address", first);
    match DnsSockets::bind(&dns.addresses) {
        Ok(sockets) => Ok(Some((dns.addresses.clone(), sockets))),
        Err(error) if succeeds => {
            tracing::error!(%error, "challenges by the DNS are not answered until a restart");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The same for another configuration; what is open at the same addresses stays.
pub(super) fn open_next(
    acme: &AcmeConfig,
    held: &[SocketAddr],
    progress: &Progress,
) -> Result<Option<Option<Dns>>> {
    let wanted = acme.dns.as_ref().filter(|_| acme.is_on());
    match wanted.map_or(&[][..], |dns| &dns.addresses) == held {
        true => Ok(None),
        false => open(acme, false, progress).map(Some),
    }
}
