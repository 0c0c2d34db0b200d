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
    /// What the path that an HTTP application gets does not begin with, though the client's does.
    pub strip: Option<String>,
    /// What an HTTP application gets as `Host`, if neither the client's nor what the upstream says.
    pub host: Option<Template>,
}

/// An application, and its place as variables.
pub struct Mount {
    upstream: Arc<Upstream>,
    /// Paths are sent in normal form.
    normalize: bool,
    /// What is taken off the paths that are sent.
    strip: Option<String>,
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
            strip: self.strip.clone(),
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
        let begins = self
            .strip
            .as_deref()
            .and_then(|strip| path.split_at_prefix(strip));
        let normalized = self.normalize && path.is_altered();
        if (normalized || begins.is_some()) && self.upstream.config().protocol == ProtocolName::Http {
            request.retarget(self.target(path, begins.unwrap_or(0), &request.head.target)?);
        }
        Ok(Flow::Forward(&self.upstream))
    }
}

impl Mount {
    /// The target that is sent: the path from `at` on.
    fn target(&self, path: &DecodedPath, at: usize, target: &Target) -> Result<Target, Rejection> {
        let path = match self.normalize {
            true => path.normal_tail(target.path(), at),
            false => path.encoded_tail(target.path(), at),
        };
        with_path(&path, target)
    }

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

/// A target with another path.
///
/// Encoded again it may have become longer than a target can be.
fn with_path(path: &[u8], target: &Target) -> Result<Target, Rejection> {
    let mut text = path.to_vec();
    if !text.starts_with(b"/") {
        text.insert(0, b'/');
    }
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
        with_path(&path.normal_tail(target.path(), 0), &target)
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
