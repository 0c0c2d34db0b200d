//! An application mounted at a path.

use std::sync::Arc;

use bytes::Bytes;

use super::{Handle, HandlerSettings, Place};
use crate::files::DecodedPath;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::rejection::Rejection;
use crate::protocol::Target;
use crate::protocol::request::Script;
use crate::upstream::Upstream;
use crate::upstream::model::config::ProtocolName;
use crate::variables::Template;

/// An application mounted at a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxy {
    /// Index into the upstreams.
    pub upstream: usize,
    /// `SCRIPT_NAME`: the part of the path that belongs to the mount, without a final slash; may be empty.
    pub mount: String,
    /// `SCRIPT_FILENAME` for backends that run a program (fcgiwrap).
    pub script_filename: Option<String>,
    /// `DOCUMENT_ROOT`, when the application wants one.
    pub document_root: Option<String>,
    /// What an HTTP application gets as `Host`, if neither the client's nor what the upstream says.
    pub host: Option<Template>,
}

/// An application, and its place as variables.
pub struct Mount {
    upstream: Arc<Upstream>,
    /// Paths are sent in normal form.
    normalize: bool,
    /// `SCRIPT_NAME`.
    name: Bytes,
    /// `SCRIPT_FILENAME`.
    filename: Option<Bytes>,
    /// `DOCUMENT_ROOT`.
    document_root: Option<Bytes>,
}

impl HandlerSettings for Proxy {
    type Handler = Mount;

    const NAME: &'static str = "proxy";

    fn handler(&self, place: Place<'_>) -> Mount {
        let bytes = |text: &String| Bytes::from(text.clone());
        let upstream = place.upstreams[self.upstream].clone();
        Mount {
            normalize: upstream.config().normalize,
            upstream,
            name: bytes(&self.mount),
            filename: self.script_filename.as_ref().map(bytes),
            document_root: self.document_root.as_ref().map(bytes),
        }
    }

    fn upstream(&self) -> Option<usize> {
        Some(self.upstream)
    }

    fn host(&self) -> Option<&Template> {
        self.host.as_ref()
    }
}

impl Handle for Mount {
    fn handle<'r>(&'r self, exchange: &mut Exchange, path: &DecodedPath) -> Result<Flow<'r>, Rejection> {
        let request = &mut exchange.request;
        request.head.script = self.script(path, request.head.target.path());
        if self.normalize && path.is_altered() && self.upstream.config().protocol == ProtocolName::Http {
            request.retarget(normal(path, &request.head.target)?);
        }
        Ok(Flow::Forward(&self.upstream))
    }
}

impl Mount {
    /// The split of a path at the mount point.
    fn script(&self, path: &DecodedPath, encoded: &[u8]) -> Script {
        let name = std::str::from_utf8(&self.name).unwrap_or("");
        let at = path.split_at_prefix(name).unwrap_or(0);
        Script {
            name: self.name.clone(),
            path_info: path.to_bytes().slice(at..),
            path_info_encoded: match self.normalize {
                true => path.normal_tail(encoded, at),
                false => path.encoded_tail(encoded, at),
            },
            filename: self.filename.clone(),
            document_root: self.document_root.clone(),
            php: false,
        }
    }
}

/// The target with its path in normal form.
///
/// Encoded again it may have become longer than a target can be.
fn normal(path: &DecodedPath, target: &Target) -> Result<Target, Rejection> {
    let mut text = path.normal_tail(target.path(), 0).to_vec();
    if let Some(query) = target.query() {
        text.push(b'?');
        text.extend_from_slice(query);
    }
    Target::from_bytes(Bytes::from(text)).map_err(|_| Rejection::Target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalised(target: &str) -> Result<String, &'static str> {
        let target: Target = target.parse().unwrap();
        let path = DecodedPath::parse(target.path()).unwrap();
        normal(&path, &target)
            .map(|target| target.to_string())
            .map_err(|error| error.reason().as_str())
    }

    #[test]
    fn a_target_in_normal_form_keeps_its_query() {
        assert_eq!(normalised("//a/./b%20c/../d?x=//y"), Ok("/a/d?x=//y".to_owned()));
    }

    #[test]
    fn a_target_that_grows_too_long_is_refused_and_never_another_one() {
        let grown = format!("//{}", "{".repeat(30_000));
        assert_eq!(normalised(&grown), Err("bad_target"));
    }
}
