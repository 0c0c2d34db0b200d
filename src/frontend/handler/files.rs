//! Files below a directory.

use std::path::{Path, PathBuf};

use http::StatusCode;

use super::{Handle, HandlerSettings, Place};
use crate::files::{self, DecodedPath, FileAnswer, LookupError, Root, Symlinks};
use crate::frontend::answer::Answer;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::rejection::Rejection;
use crate::protocol::RequestHead;

/// Files below a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Absolute directory. The path after the route's prefix is looked up in it.
    pub root: PathBuf,
    /// File tried for a directory.
    pub index: String,
    /// Which symbolic links below the root are followed.
    pub symlinks: Symlinks,
}

/// Without a root yet.
impl Default for Files {
    fn default() -> Self {
        Self {
            root: PathBuf::new(),
            index: "index.html".to_owned(),
            symlinks: Symlinks::default(),
        }
    }
}

/// A directory that is open.
#[derive(Debug)]
pub struct Directory {
    root: Root,
    /// As it is configured.
    path: PathBuf,
    index: String,
    /// The path of the route.
    prefix: String,
}

impl HandlerSettings for Files {
    type Handler = Directory;

    const NAME: &'static str = "files";

    fn handler(&self, mut place: Place<'_>) -> Directory {
        Directory {
            root: place.take_root(),
            path: self.root.clone(),
            index: self.index.clone(),
            prefix: place.path.to_owned(),
        }
    }

    fn root(&self) -> Option<(&Path, Symlinks)> {
        Some((&self.root, self.symlinks))
    }
}

impl Handle for Directory {
    fn handle<'r>(&'r self, exchange: &mut Exchange, path: &DecodedPath) -> Result<Flow<'r>, Rejection> {
        path.check_file()?;
        let start = path.split_at_prefix(&self.prefix).unwrap_or(0);
        let relative = path.relative(start, path.as_bytes().len())?;
        let request = request(&exchange.request.head, path);
        exchange.answer = answer(files::respond(&self.root, &self.index, &relative, &request))?;
        Ok(Flow::Answered)
    }

    fn missing(&self, path: &DecodedPath, _encoded: &[u8]) -> Option<String> {
        let (path, root) = (String::from_utf8_lossy(path.as_bytes()), self.path.display());
        Some(format!("nothing to send for {path} below {root} ({PROGRAM})"))
    }
}

/// What files have to know of a request.
pub(super) fn request<'a>(head: &'a RequestHead, path: &'a DecodedPath) -> files::Request<'a> {
    files::Request {
        method: &head.method,
        fields: &head.fields,
        path,
        query: head.target.query(),
    }
}

/// A file's answer; the refusal of a method is like all others of ours.
pub(super) fn answer(answer: Result<FileAnswer, LookupError>) -> Result<Answer, Rejection> {
    let answer = answer?;
    match answer.status {
        StatusCode::METHOD_NOT_ALLOWED => Err(Rejection::Method(files::METHODS)),
        _ => Ok(answer.into()),
    }
}

/// Why a file that is there is not sent.
pub(super) const PROGRAM: &str = "names that end in .php, .phtml or .phar are never sent as they are";
