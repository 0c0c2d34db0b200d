//! CGI programs below a directory, which a FastCGI server such as fcgiwrap runs: the first regular file on a path is the
//! program, the rest is for it.

use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

use bytes::Bytes;

use super::{DocumentRoot, Handle, HandlerSettings, Place};
use crate::files::{DecodedPath, Kind, LookupError, Root, Symlinks};
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::rejection::Rejection;
use crate::protocol::request::Script;
use crate::upstream::Upstream;

/// Programs below a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cgi {
    /// Index into the upstreams.
    pub upstream: usize,
    /// Where they are.
    pub root: DocumentRoot,
    /// Which symbolic links below the root are followed.
    pub symlinks: Symlinks,
}

/// A directory of programs that is open.
pub struct Programs {
    upstream: Arc<Upstream>,
    root: Root,
    configured: DocumentRoot,
    /// Where the part of a path begins that is looked up.
    start: usize,
    /// Paths are sent in normal form.
    normalize: bool,
}

impl HandlerSettings for Cgi {
    type Handler = Programs;

    const NAME: &'static str = "cgi";

    fn handler(&self, mut place: Place<'_>) -> Programs {
        let upstream = place.upstreams[self.upstream].clone();
        Programs {
            normalize: upstream.config().normalize,
            upstream,
            start: self.root.start(place.path),
            root: place.take_root(),
            configured: self.root.clone(),
        }
    }

    fn root(&self) -> Option<(&DocumentRoot, Symlinks)> {
        Some((&self.root, self.symlinks))
    }

    fn upstream(&self) -> Option<usize> {
        Some(self.upstream)
    }
}

impl Handle for Programs {
    fn handle<'r>(&'r self, exchange: &mut Exchange, path: &DecodedPath) -> Result<Flow<'r>, Rejection> {
        let head = &mut exchange.request.head;
        let end = self.program(path)?;
        let encoded = head.target.path();
        head.script = Script {
            name: path.to_bytes().slice(..end),
            path_info: path.to_bytes().slice(end..),
            path_info_encoded: match self.normalize {
                true => path.normal_tail(encoded, end),
                false => path.encoded_tail(encoded, end),
            },
            filename: Some(self.file(path, end)),
            document_root: Some(Bytes::copy_from_slice(
                self.configured.path().as_os_str().as_bytes(),
            )),
            php: false,
        };
        Ok(Flow::Forward(&self.upstream))
    }

    fn missing(&self, path: &DecodedPath, _encoded: &[u8]) -> Option<String> {
        let root = self.configured.path().display();
        let path = String::from_utf8_lossy(&path.as_bytes()[self.start..]);
        Some(format!("no program on {path} below {root}"))
    }
}

impl Programs {
    /// Where the name of the program ends.
    fn program(&self, path: &DecodedPath) -> Result<usize, Rejection> {
        let bytes = path.as_bytes();
        let slashes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let ends = slashes.map(|(at, _)| at).chain([bytes.len()]);
        for end in ends.filter(|end| *end > self.start + 1) {
            match self.root.look(&path.relative(self.start, end)?)? {
                (Kind::File, _) => return Ok(end),
                (Kind::Directory, _) => {}
            }
        }
        Err(LookupError::NotFound.into())
    }

    /// The file of a program, by the directory as it is configured.
    fn file(&self, path: &DecodedPath, end: usize) -> Bytes {
        let root = self.configured.path().as_os_str().as_bytes();
        let root = root.strip_suffix(b"/").unwrap_or(root);
        [root, &path.as_bytes()[self.start..end]].concat().into()
    }
}
