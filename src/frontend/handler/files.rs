//! Files below a directory.

use bytes::Bytes;
use http::{Method, StatusCode};

use super::{DocumentRoot, Fallback, Handle, HandlerSettings, Place};
use crate::files::{
    self, DecodedPath, Delivery, Entry, FileAnswer, Indexes, Kind, Listing, LookupError, RelPath, Root,
    Symlinks,
};
use crate::frontend::answer::Answer;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::rejection::Rejection;
use crate::protocol::RequestHead;
use crate::variables::Template;

/// Files below a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Where they are.
    pub root: DocumentRoot,
    /// Files tried for a directory, in this order.
    pub index: Vec<String>,
    /// How a directory is listed that has none of them; `None`: it is not.
    pub listing: Option<Listing>,
    /// Which symbolic links below the root are followed.
    pub symlinks: Symlinks,
    /// How they are sent.
    pub delivery: Delivery,
    /// Paths that are tried one after the other, directories with a slash at their end. None: the request's, as a file and
    /// as a directory.
    pub tries: Vec<Template>,
    /// What answers when there is nothing to send.
    pub fallback: Option<Fallback>,
}

/// Without a root yet.
impl Default for Files {
    fn default() -> Self {
        Self {
            root: DocumentRoot::default(),
            index: vec!["index.html".to_owned()],
            listing: None,
            symlinks: Symlinks::default(),
            delivery: Delivery::default(),
            tries: Vec::new(),
            fallback: None,
        }
    }
}

/// A directory that is open.
#[derive(Debug)]
pub struct Directory {
    root: Root,
    /// As it is configured.
    settings: Files,
    /// What the paths of its route begin with.
    prefix: String,
    /// Where the part of a path begins that is looked up.
    start: usize,
}

impl HandlerSettings for Files {
    type Handler = Directory;

    const NAME: &'static str = "files";

    fn handler(&self, mut place: Place<'_>) -> Directory {
        Directory {
            root: place.take_root(),
            settings: self.clone(),
            prefix: place.path.to_owned(),
            start: self.root.start(place.path),
        }
    }

    fn fallback(&self) -> Option<&Fallback> {
        self.fallback.as_ref()
    }

    fn root(&self) -> Option<(&DocumentRoot, Symlinks)> {
        Some((&self.root, self.symlinks))
    }
}

impl Handle for Directory {
    fn handle<'r>(&'r self, exchange: &mut Exchange, path: &DecodedPath) -> Result<Flow<'r>, Rejection> {
        let found = match self.settings.tries.is_empty() {
            true => self.find(exchange, path, path, true),
            false => self.try_each(exchange, path),
        };
        match (found, &self.settings.fallback) {
            (Ok(found), _) => {
                exchange.answer = found.answer;
                Ok(found.index.map_or(Flow::Answered, Flow::Index))
            }
            (Err(error), Some(fallback)) if is_nothing(&error) => fallback.flow(exchange),
            (Err(error), _) => Err(error),
        }
    }

    fn missing(&self, path: &DecodedPath, _encoded: &[u8]) -> Option<String> {
        let root = self.settings.root.path().display();
        let path = String::from_utf8_lossy(&path.as_bytes()[self.start(path)..]);
        Some(format!("nothing to send for {path} below {root} ({PROGRAM})"))
    }
}

/// What was found to answer with.
struct Found {
    answer: Answer,
    /// Its path, where it is the index of a directory.
    index: Option<Bytes>,
}

impl Found {
    /// With the answer for `path`, and the names that are tried for directories.
    fn new(
        found: Result<FileAnswer, LookupError>,
        path: &DecodedPath,
        names: &[String],
    ) -> Result<Self, Rejection> {
        let name = found.as_ref().ok().and_then(|found| names.get(found.index?));
        let slash = if path.is_directory() { "" } else { "/" };
        let index = name.map(|name| {
            [path.as_bytes(), slash.as_bytes(), name.as_bytes()]
                .concat()
                .into()
        });
        answer(found).map(|answer| Self { answer, index })
    }
}

impl Directory {
    /// The answer with the file at `path`, for a request for `asked`; with what a directory is answered with, unless only files
    /// are tried.
    fn find(
        &self,
        exchange: &Exchange,
        path: &DecodedPath,
        asked: &DecodedPath,
        directories: bool,
    ) -> Result<Found, Rejection> {
        let relative = path.relative(self.start(path), path.as_bytes().len())?;
        let head = &exchange.request.head;
        // What is no file may be for the application, whatever its method.
        let asks = matches!(head.method, Method::GET | Method::HEAD);
        if self.settings.fallback.is_some() && !asks && !self.has_file(&relative)? {
            return Err(Rejection::NotFound);
        }
        let request = request(head, asked, &self.settings.delivery);
        if directories {
            let indexes = Indexes {
                names: &self.settings.index,
                listing: self.settings.listing.as_ref(),
            };
            let found = files::respond(&self.root, indexes, &relative, &request);
            return Found::new(found, path, indexes.names);
        }
        match self.root.get(&relative) {
            Ok(Entry::File(file)) if !relative.is_directory() => {
                Found::new(files::file(&self.root, file, &relative, &request), path, &[])
            }
            Ok(Entry::File(_) | Entry::Directory) => Err(Rejection::NotFound),
            // A directory that may be entered and not be read.
            Err(LookupError::Forbidden) if !self.has_file(&relative)? => Err(Rejection::NotFound),
            Err(error) => Err(error.into()),
        }
    }

    fn has_file(&self, path: &RelPath) -> Result<bool, LookupError> {
        match self.root.look(path) {
            Ok((kind, _)) => Ok(kind == Kind::File && !path.is_directory()),
            Err(LookupError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The answer with the first of the paths that is there.
    fn try_each(&self, exchange: &mut Exchange, path: &DecodedPath) -> Result<Found, Rejection> {
        exchange.client();
        // What the paths are made of can name a file.
        path.check_file(path.as_bytes().len())?;
        for template in &self.settings.tries {
            let mut tried = Vec::new();
            template.write(&exchange.request.head, &mut |piece| {
                tried.extend_from_slice(piece)
            });
            let directories = template.as_str().ends_with('/');
            let found = DecodedPath::from_decoded(&tried).map_err(Rejection::from);
            match found.and_then(|tried| self.find(exchange, &tried, path, directories)) {
                Err(error) if is_nothing(&error) => {}
                found => return found,
            }
        }
        Err(Rejection::NotFound)
    }

    /// Where the part of a path begins that is looked up: all of one that is not below the route's.
    fn start(&self, path: &DecodedPath) -> usize {
        match path.split_at_prefix(&self.prefix) {
            Some(_) => self.start,
            None => 0,
        }
    }
}

/// Whether nothing is there that could be sent: what else goes wrong is none of a fallback's business.
fn is_nothing(error: &Rejection) -> bool {
    matches!(error, Rejection::NotFound | Rejection::Path(_))
}

/// What files have to know of a request.
pub(super) fn request<'a>(
    head: &'a RequestHead,
    path: &'a DecodedPath,
    delivery: &'a Delivery,
) -> files::Request<'a> {
    files::Request {
        method: &head.method,
        fields: &head.fields,
        path,
        query: head.target.query(),
        delivery,
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
pub(super) const PROGRAM: &str =
    "names of PHP programs, such as .php, .php5, .phtml and .phar, are never sent as they are";
