//! `proxy_protocol` of a listener.

use crate::config::table::table;
use crate::config::tables::trusted_proxy::TRUSTED_PROXY;
use crate::config::units::List;
use crate::frontend::config::ProxyProtocol;
use crate::frontend::trust::TrustedProxy;

table! {
    /// The PROXY protocol, by which load balancers say whose connection it is.
    pub(in crate::config) struct ListenProxyProtocol for ProxyProtocol {
        /// Peers whose connections begin with a header of version 1 or 2: networks, and `"unix"` for all on a unix socket. One
        /// that sends none is refused, as is every other peer that sends one. See
        /// [requests.md](requests.md#the-proxy-protocol).
        from: Vec<TrustedProxy> as List(TRUSTED_PROXY),
    }
}
