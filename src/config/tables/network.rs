//! Networks of clients and proxies.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::units::Text;

/// A network in CIDR notation, or a single address.
pub(super) const NETWORK: Text<IpNet> = Text {
    words: "network",
    read,
    show: IpNet::to_string,
};

fn read(typed: &At<String>, complaints: &mut Complaints) -> Option<IpNet> {
    let parsed = typed
        .parse::<IpNet>()
        .or_else(|_| typed.parse().map(|address: IpAddr| address.into()));
    let Ok(network) = parsed else {
        complaints
            .error(typed.span(), "neither a network nor an address")
            .help(
                "write a network such as \"10.0.0.0/8\" or \"fd00::/8\", or an address such as \"192.0.2.1\"",
            );
        return None;
    };
    if network != network.trunc() {
        complaints
            .error(typed.span(), "the address has bits beyond the prefix")
            .help(format!(
                "write \"{}\" for the network, \"{}\" for the address",
                network.trunc(),
                network.addr()
            ));
    }
    Some(network)
}
