//! The upstream that a handler sends to: a name in the file, an index in the settings.

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::suggest;
use crate::config::table::required;
use crate::upstream::UpstreamConfig;
use crate::upstream::model::config::ProtocolName;

/// The index of the upstream with the typed name; `None` after a complaint.
pub(super) fn find<T>(
    table: &At<T>,
    typed: Option<&At<String>>,
    upstreams: &[UpstreamConfig],
    complaints: &mut Complaints,
) -> Option<usize> {
    let name = required(table, "upstream", typed, "upstream = \"NAME\"", complaints)?;
    let found = upstreams.iter().position(|upstream| upstream.name == **name);
    if found.is_none() {
        let known = || upstreams.iter().map(|upstream| upstream.name.as_str());
        let help = match suggest::nearest(name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if upstreams.is_empty() => format!("add a table [upstream.{}]", **name),
            None => format!("there are {}", suggest::list(known())),
        };
        complaints
            .error(name.span(), format!("there is no upstream `{}`", **name))
            .help(help);
    }
    found
}

/// The name of the upstream with the index.
pub(super) fn shown(upstreams: &[UpstreamConfig], index: usize) -> Option<At<String>> {
    let upstream = upstreams.get(index)?;
    Some(At::nowhere(upstream.name.clone()))
}

/// Whether it is an HTTP server.
pub(super) fn speaks_http(upstreams: &[UpstreamConfig], index: usize) -> bool {
    upstreams
        .get(index)
        .is_some_and(|upstream| upstream.protocol == ProtocolName::Http)
}
