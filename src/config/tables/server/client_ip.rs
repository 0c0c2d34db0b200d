//! `client_ip` of the server.

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::table;
use crate::config::units::Text;
use crate::frontend::trust::{ClientField, ClientIp as Settings, Trust};

table! {
    /// Where trusted proxies name the client.
    pub(in crate::config) struct ClientIp for Settings {
        /// Name of the field: `"CF-Connecting-IP"`, `"True-Client-IP"`. It holds an address, or a chain of them as
        /// `X-Forwarded-For` does. From all peers but `trusted_proxies` it is removed.
        from: ClientField as FIELD,
    }
}

const FIELD: Text<ClientField> = Text {
    words: "field",
    read,
    show: |field| field.as_str().to_owned(),
};

fn read(typed: &At<String>, complaints: &mut Complaints) -> Option<ClientField> {
    let field = ClientField::new(typed);
    if field.is_none() {
        complaints
            .error(typed.span(), "not a field that names a client")
            .help("write \"X-Forwarded-For\", or the name in which a proxy sends the address alone, such as \"CF-Connecting-IP\"");
    }
    field
}

/// Complains about a field that is never looked at.
pub(super) fn check(typed: &At<ClientIp>, trust: &Trust, complaints: &mut Complaints) {
    if trust.proxies.is_empty() && !trust.client_ip.from.is_chain() {
        complaints
            .warning(typed.span(), "`client_ip` has no effect: no proxy is trusted")
            .help("add trusted_proxies = [\"10.0.0.0/8\"], the networks of the proxies");
    }
}
