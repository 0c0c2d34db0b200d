//! What is in a directory, for a browser or for a program.

mod html;
mod json;
mod order;

use std::io;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Method, StatusCode};
use tokio::task;

use super::answer::{FileAnswer, Request};
use super::body::Body;
use super::contents::Contents;
use super::directory::{Kind, LookupError};
use super::path::{DecodedPath, RelPath};
use super::program::is_program;
use super::root::Root;
use crate::protocol::fields::{FieldName, Fields, weight};
pub use order::{Order, Sort};

/// How a directory is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Entries of a directory that are listed, at most: the first that its file system gives.
    pub limit: usize,
    /// What comes first, unless the client says so: `?sort=size&order=desc`.
    pub sort: Sort,
    /// Whether that is the least or the most.
    pub order: Order,
}

impl Default for Listing {
    fn default() -> Self {
        Self {
            limit: 10_000,
            sort: Sort::default(),
            order: Order::default(),
        }
    }
}

/// A file or a directory in the one that is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    name: Vec<u8>,
    is_directory: bool,
    /// In bytes; of a file only.
    size: u64,
    modified: SystemTime,
}

/// A directory that was read.
struct Page {
    /// Its path in the URL.
    path: DecodedPath,
    items: Vec<Item>,
    /// There is more in it.
    is_cut: bool,
    sort: Sort,
    order: Order,
}

/// How a page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Html,
    Json,
}

impl Listing {
    /// Answers with what is in the directory at `path`. It is read on another thread, while the answer waits.
    pub(super) fn respond(
        &self,
        root: &Root,
        path: &RelPath,
        request: &Request<'_>,
    ) -> Result<FileAnswer, LookupError> {
        let contents = root.list(path)?;
        let format = Format::of(request.fields);
        let mut answer = FileAnswer::new(StatusCode::OK, Fields::new());
        answer
            .fields
            .append(FieldName::ContentType, format.content_type());
        answer.fields.append(FieldName::Vary, "Accept");
        if *request.method == Method::GET {
            let (sort, order) = order::asked(request.query, (self.sort, self.order));
            let (limit, path) = (self.limit, request.path.clone());
            answer.body = Body::made(task::spawn_blocking(move || {
                let (items, is_cut) = items(&contents, limit)?;
                let page = Page {
                    path,
                    items,
                    is_cut,
                    sort,
                    order,
                };
                Ok(page.written(format))
            }));
        }
        Ok(answer)
    }
}

impl Page {
    fn written(mut self, format: Format) -> Bytes {
        order::sort(&mut self.items, self.sort, self.order);
        match format {
            Format::Html => html::write(&self),
            Format::Json => json::write(&self.items),
        }
        .into()
    }
}

impl Format {
    /// What the client would rather have: a browser names `text/html`.
    fn of(fields: &Fields) -> Self {
        let liking = |kind: &[u8]| {
            let accepted = fields.all(FieldName::Accept);
            let mut members = accepted.flat_map(|value| value.split(|byte| *byte == b','));
            members.find_map(|member| {
                let end = memchr::memchr(b';', member).unwrap_or(member.len());
                let is = member[..end].trim_ascii().eq_ignore_ascii_case(kind);
                is.then(|| weight(member.get(end + 1..).unwrap_or_default()))
            })
        };
        match liking(b"application/json") > liking(b"text/html") {
            true => Self::Json,
            false => Self::Html,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json",
        }
    }
}

/// What may be asked for in a directory, and whether that is not all.
fn items(contents: &Contents, limit: usize) -> io::Result<(Vec<Item>, bool)> {
    let mut items = Vec::new();
    for name in contents.names()? {
        let name = name?;
        if name.starts_with(b".") || is_program(&name) {
            continue;
        }
        if items.len() >= limit {
            return Ok((items, true));
        }
        // What is gone meanwhile, and what may not be followed, is not there.
        if let Ok((kind, version)) = contents.look(&name) {
            let is_directory = kind == Kind::Directory;
            items.push(Item {
                name,
                is_directory,
                size: if is_directory { 0 } else { version.size() },
                modified: version.modified(),
            });
        }
    }
    Ok((items, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_gets_json_and_a_browser_a_page() {
        for (accept, format) in [
            ("", Format::Html),
            ("*/*", Format::Html),
            ("application/json", Format::Json),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                Format::Html,
            ),
            ("text/html;q=0.5, application/json", Format::Json),
            ("application/json;q=0.5, text/html", Format::Html),
        ] {
            let mut fields = Fields::new();
            fields.try_set(FieldName::Accept, accept.as_bytes());
            assert_eq!(Format::of(&fields), format, "{accept}");
        }
    }
}
