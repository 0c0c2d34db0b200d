//! The sockets where questions of directories for the records of challenges come to.

use std::net::SocketAddr;

use anyhow::Result;

use super::progress::Progress;
use crate::acme::AcmeConfig;
use crate::acme::dns::DnsSockets;

/// Opens them, as far as the process before has not `left` them: it may have had more rights.
pub(super) fn open(acme: &AcmeConfig, left: DnsSockets, progress: &Progress) -> Result<DnsSockets> {
    let wanted = wanted(acme);
    if let Some(first) = wanted.first() {
        progress.at("the DNS responder", "[acme] dns.address", first);
    }
    Ok(DnsSockets::open(wanted, left)?)
}

/// The same for another configuration, as far as they are not `held`; `None`: it wants no others.
pub(super) fn open_next(
    acme: &AcmeConfig,
    held: &DnsSockets,
    progress: &Progress,
) -> Result<Option<DnsSockets>> {
    match held.addresses().eq(wanted(acme).iter().copied()) {
        true => Ok(None),
        false => open(acme, held.duplicate()?, progress).map(Some),
    }
}

fn wanted(acme: &AcmeConfig) -> &[SocketAddr] {
    let dns = acme.dns.as_ref().filter(|_| acme.is_on());
    dns.map_or(&[], |dns| &dns.addresses)
}
