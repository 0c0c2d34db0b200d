//! Proxies that are believed about clients.

use super::network;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::units::Text;
use crate::frontend::trust::TrustedProxy;

/// A network, or every unix socket.
pub(super) const TRUSTED_PROXY: Text<TrustedProxy> = Text {
    words: "network or `\"unix\"`",
    read,
    show,
};

fn read(typed: &At<String>, complaints: &mut Complaints) -> Option<TrustedProxy> {
    if typed.starts_with(UNIX) {
        if *typed.as_str() != *UNIX {
            complaints
                .error(
                    typed.span(),
                    "peers on unix sockets have no names to be told apart by",
                )
                .help("write \"unix\": the mode of each socket says who may connect");
        }
        return Some(TrustedProxy::Unix);
    }
    (network::NETWORK.read)(typed, complaints).map(TrustedProxy::Network)
}

fn show(proxy: &TrustedProxy) -> String {
    match proxy {
        TrustedProxy::Unix => UNIX.to_owned(),
        TrustedProxy::Network(network) => network.to_string(),
    }
}

const UNIX: &str = "unix";
