//! Files below a directory.

use http::StatusCode;

use super::{DocumentRoot, Handle, HandlerSettings, Place};
use crate::files::{self, DecodedPath, FileAnswer, LookupError, Root, Symlinks};
use crate::frontend::answer::Answer;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::rejection::Rejection;
use crate::protocol::RequestHead;

/// Files below a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Where they are.
    pub root: DocumentRoot,
    /// Files tried for a directory, in this order.
    pub index: Vec<String>,
    /// Which symbolic links below the root are followed.
    pub symlinks: Symlinks,
    /// What text is said to be encoded in; `None`: nothing is said.
    pub charset: Option<String>,
}

/// Without a root yet.
impl Default for Files {
    fn default() -> Self {
        Self {
            root: DocumentRoot::default(),
            index: vec!["index.html".to_owned()],
            symlinks: Symlinks::default(),
            charset: None,
        }
    }
}

/// A directory that is open.
#[derive(Debug)]
pub struct Directory {
    root: Root,
    /// As it is configured.
    configured: DocumentRoot,
    index: Vec<String>,
    charset: Option<String>,
    /// Where the part of a path begins that is looked up.
    start: usize,
}

impl HandlerSettings for Files {
    type Handler = Directory;

    const NAME: &'static str = "files";

    fn handler(&self, mut place: Place<'_>) -> Directory {
        Directory {
            root: place.take_root(),
            configured: self.root.clone(),
            index: self.index.clone(),
            charset: self.charset.clone(),
            start: self.root.start(place.path),
        }
    }

    fn root(&self) -> Option<(&DocumentRoot, Symlinks)> {
        Some((&self.root, self.symlinks))
    }
}

impl Handle for Directory {
    fn handle<'r>(&'r self, exchange: &mut Exchange, path: &DecodedPath) -> Result<Flow<'r>, Rejection> {
        let relative = path.relative(self.start, path.as_bytes().len())?;
        let request = request(&exchange.request.head, path, self.charset.as_deref());
        exchange.answer = answer(files::respond(&self.root, &self.index, &relative, &request))?;
        Ok(Flow::Answered)
    }

    fn missing(&self, path: &DecodedPath, _encoded: &[u8]) -> Option<String> {
        let root = self.configured.path().display();
        let path = String::from_utf8_lossy(&path.as_bytes()[self.start..]);
        Some(format!("nothing to send for {path} below {root} ({PROGRAM})"))
    }
}

/// What files have to know of a request.
pub(super) fn request<'a>(
    head: &'a RequestHead,
    path: &'a DecodedPath,
    charset: Option<&'a str>,
) -> files::Request<'a> {
    files::Request {
        method: &head.method,
        fields: &head.fields,
        path,
        query: head.target.query(),
        charset,
    }
}

/// A file's answer; its refusals are like all others of ours.
pub(super) fn answer(answer: Result<FileAnswer, LookupError>) -> Result<Answer, Rejection> {
    let answer = answer?;
    match answer.status {
        StatusCode::METHOD_NOT_ALLOWED => Err(Rejection::Method(files::METHODS)),
        status @ (StatusCode::PRECONDITION_FAILED | StatusCode::RANGE_NOT_SATISFIABLE) => {
            Err(Rejection::Unmet(status, Box::new(answer.fields)))
        }
        _ => Ok(answer.into()),
    }
}

/// Why a file that is there is not sent.
pub(super) const PROGRAM: &str = "names that end in .php, .phtml or .phar are never sent as they are";
