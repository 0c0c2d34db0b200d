//! Plain answers: a file as it is, its conditions and parts; a redirect to a directory; its index.

use std::io;
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};

use super::body::Body;
use super::conditional::{Part, Precondition, Validators};
use super::mime::content_type;
use super::path::{DecodedPath, RelPath};
use super::root::{Entry, File, LookupError, Root};
use crate::protocol::fields::{FieldName, Fields};

/// Endings of names that are programs. Whatever the route, they are never sent as text: they hold passwords.
const PROGRAMS: [&[u8]; 3] = [b".php", b".phtml", b".phar"];

/// A request, as far as it concerns files.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Anything but GET and HEAD is answered with 405.
    pub method: &'a Method,
    /// Conditions and ranges.
    pub fields: &'a Fields,
    /// The URL path, for redirects.
    pub path: &'a DecodedPath,
    /// The query, for redirects; without its question mark.
    pub query: Option<&'a [u8]>,
    /// What text is said to be encoded in, if anything is said.
    pub charset: Option<&'a str>,
}

/// A plain answer.
#[derive(Debug)]
pub struct FileAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its fields, without its length.
    pub fields: Fields,
    /// The length that an answer without its body announces all the same: HEAD.
    pub length: Option<u64>,
    /// Its body.
    pub body: Body,
}

impl FileAnswer {
    fn new(status: StatusCode) -> Self {
        Self {
            status,
            fields: Fields::new(),
            length: None,
            body: Body::empty(),
        }
    }
}

/// Answers with what is at `path` below `root`: a file, the first of the files named in `index` that a directory has, or
/// a redirect to a directory's proper name.
pub fn respond(
    root: &Root,
    index: &[String],
    path: &RelPath,
    request: &Request<'_>,
) -> Result<FileAnswer, LookupError> {
    if let Some(refusal) = refuse(request.method) {
        return Ok(refusal);
    }
    match root.get(path)? {
        Entry::File(_) if path.is_directory() => Err(LookupError::NotFound),
        Entry::File(opened) => file(opened, path, request),
        // A path that is looked up from its middle on may be nothing, and its URL end without a slash all the same.
        Entry::Directory if !request.path.is_directory() => Ok(redirect(request)),
        Entry::Directory => directory(root, index, path, request),
    }
}

/// The first of the files of a directory that are there and may be sent.
fn directory(
    root: &Root,
    index: &[String],
    path: &RelPath,
    request: &Request<'_>,
) -> Result<FileAnswer, LookupError> {
    for name in index {
        let index = path.join(name);
        let answer = match root.get(&index) {
            Ok(Entry::File(opened)) => file(opened, &index, request),
            Ok(Entry::Directory) => continue,
            Err(error) => Err(error),
        };
        match answer {
            Err(LookupError::NotFound) => {}
            answer => return answer,
        }
    }
    Err(LookupError::NotFound)
}

/// Answers with an open file; `path` is its name.
pub fn file(file: File, path: &RelPath, request: &Request<'_>) -> Result<FileAnswer, LookupError> {
    if let Some(refusal) = refuse(request.method) {
        return Ok(refusal);
    }
    if is_program(path.name()) {
        return Err(LookupError::NotFound);
    }
    let validators = Validators::of(&file);
    let mut answer = match validators.check(request.fields) {
        Precondition::Holds => contents(file, path, request, &validators).map_err(LookupError::Io)?,
        Precondition::NotModified => FileAnswer::new(StatusCode::NOT_MODIFIED),
        Precondition::Failed => FileAnswer::new(StatusCode::PRECONDITION_FAILED),
    };
    if let Some(modified) = validators.modified {
        let date = httpdate::fmt_http_date(told(modified, SystemTime::now()));
        answer.fields.try_set(FieldName::LastModified, date.as_bytes());
    }
    if let Some(etag) = &validators.etag {
        answer.fields.try_set(FieldName::Etag, etag.as_bytes());
    }
    Ok(answer)
}

/// What a client is told of when a file was changed: nothing that is later than the `Date` of the answer (RFC 9110, section
/// 8.8.2.1). That is made apart from this, of the clock as it was a moment ago: hence the second between them.
fn told(modified: SystemTime, now: SystemTime) -> SystemTime {
    match modified > now {
        true => now - Duration::from_secs(1),
        false => modified,
    }
}

/// 308 to the same path with a slash at its end.
pub fn redirect(request: &Request<'_>) -> FileAnswer {
    let mut answer = FileAnswer::new(StatusCode::PERMANENT_REDIRECT);
    let location = request.path.location_with_slash(request.query);
    // No target holds what a field's value must not.
    answer.fields.try_set(FieldName::Location, &location);
    answer
}

/// Whether a name is one of a program; `A` to `Z` count as lower case, other letters are only themselves.
fn is_program(name: &[u8]) -> bool {
    let ends_with = |suffix: &&[u8]| {
        let start = name.len().saturating_sub(suffix.len());
        name[start..].eq_ignore_ascii_case(suffix)
    };
    PROGRAMS.iter().any(ends_with)
}

/// Methods that a file answers.
pub const METHODS: &str = "GET, HEAD";

fn refuse(method: &Method) -> Option<FileAnswer> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let mut answer = FileAnswer::new(StatusCode::METHOD_NOT_ALLOWED);
    answer.fields.append(FieldName::Allow, METHODS);
    Some(answer)
}

/// 200, 206 or 416.
fn contents(
    file: File,
    path: &RelPath,
    request: &Request<'_>,
    validators: &Validators,
) -> io::Result<FileAnswer> {
    let is_get = request.method == Method::GET;
    let part = if is_get {
        validators.part(request.fields, file.size)
    } else {
        Part::Whole
    };
    let (code, range) = match part {
        Part::Whole => (StatusCode::OK, 0..file.size),
        Part::Bytes(range) => (StatusCode::PARTIAL_CONTENT, range),
        Part::Unsatisfiable => return Ok(unsatisfiable(file.size)),
    };
    let mut answer = FileAnswer::new(code);
    let fields = &mut answer.fields;
    let content_type = content_type(path.name(), request.charset);
    fields.try_set(FieldName::ContentType, content_type.as_bytes());
    fields.append(FieldName::AcceptRanges, "bytes");
    if code == StatusCode::PARTIAL_CONTENT {
        let sent = format!("bytes {}-{}/{}", range.start, range.end - 1, file.size);
        fields.try_set(FieldName::ContentRange, sent.as_bytes());
    }
    match is_get {
        true => answer.body = Body::part(file.file, range)?,
        false => answer.length = Some(range.end - range.start),
    }
    Ok(answer)
}

fn unsatisfiable(size: u64) -> FileAnswer {
    let mut answer = FileAnswer::new(StatusCode::RANGE_NOT_SATISFIABLE);
    let size = format!("bytes */{size}");
    answer.fields.try_set(FieldName::ContentRange, size.as_bytes());
    answer
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::future::poll_fn;

    use tempfile::TempDir;

    use super::*;

    fn site() -> (TempDir, Root) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("docs/empty")).unwrap();
        fs::create_dir_all(dir.path().join("old/index.html")).unwrap();
        fs::write(dir.path().join("old/index.php"), "<?php secret();").unwrap();
        fs::write(dir.path().join("old/index.htm"), "old").unwrap();
        fs::write(dir.path().join("page.html"), "0123456789").unwrap();
        fs::write(dir.path().join("docs/index.html"), "index").unwrap();
        for program in ["a.php", "b.PHP", "c.pHtMl", "d.phar"] {
            fs::write(dir.path().join(program), "<?php secret();").unwrap();
        }
        let root = Root::open(dir.path(), super::super::Symlinks::Follow).unwrap();
        (dir, root)
    }

    fn ask(
        root: &Root,
        method: Method,
        target: &str,
        fields: &[(&str, &str)],
    ) -> Result<FileAnswer, LookupError> {
        let (path, query) = target
            .split_once('?')
            .map_or((target, None), |(p, q)| (p, Some(q.as_bytes())));
        let path = DecodedPath::parse(path.as_bytes()).unwrap();
        let request = Request {
            method: &method,
            fields: &fields.iter().copied().collect(),
            path: &path,
            query,
            charset: None,
        };
        let relative = path.relative(0, path.as_bytes().len()).unwrap();
        let index = ["index.html", "index.php", "index.htm"].map(str::to_owned);
        respond(root, &index, &relative, &request)
    }

    /// Gives a file a time since 1970.
    fn touch(dir: &TempDir, name: &str, modified: Duration) {
        let file = fs::File::options().write(true).open(dir.path().join(name));
        file.unwrap()
            .set_modified(SystemTime::UNIX_EPOCH + modified)
            .unwrap();
    }

    fn get(root: &Root, target: &str) -> Result<FileAnswer, LookupError> {
        ask(root, Method::GET, target, &[])
    }

    async fn body(mut answer: FileAnswer) -> String {
        let mut all = Vec::new();
        while let Some(chunk) = poll_fn(|cx| answer.body.poll_chunk(cx)).await {
            all.extend_from_slice(&chunk.unwrap());
        }
        String::from_utf8(all).unwrap()
    }

    fn field(answer: &FileAnswer, name: FieldName) -> &str {
        std::str::from_utf8(answer.fields.get(name).unwrap_or_default()).unwrap()
    }

    #[tokio::test]
    async fn a_file_is_sent_with_what_a_cache_needs() {
        let (dir, root) = site();
        touch(&dir, "page.html", Duration::from_millis(784_111_777_500));
        let answer = get(&root, "/page.html").unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(field(&answer, FieldName::ContentType), "text/html");
        assert_eq!((answer.length, answer.body.remaining()), (None, 10));
        assert_eq!(
            field(&answer, FieldName::LastModified),
            "Sun, 06 Nov 1994 08:49:37 GMT"
        );
        assert_eq!(field(&answer, FieldName::Etag), "\"ae1b981da166f00-a\"");
        assert_eq!(body(answer).await, "0123456789");
    }

    #[test]
    fn a_file_from_the_future_was_changed_a_moment_ago() {
        let (dir, root) = site();
        let page = fs::File::options()
            .write(true)
            .open(dir.path().join("page.html"))
            .unwrap();
        page.set_modified(SystemTime::now() + Duration::from_secs(86_400))
            .unwrap();
        for (method, fields) in [(Method::GET, &[][..]), (Method::HEAD, &[("If-None-Match", "*")])] {
            let answer = ask(&root, method, "/page.html", fields).unwrap();
            let told = httpdate::parse_http_date(field(&answer, FieldName::LastModified)).unwrap();
            assert!(told <= SystemTime::now(), "{told:?}");
        }
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(super::told(now, now), now);
        assert_eq!(
            super::told(now + Duration::from_nanos(1), now),
            now - Duration::from_secs(1)
        );
    }

    #[test]
    fn copies_of_a_file_have_one_tag_wherever_they_are() {
        let ((dir, root), (other_dir, other_root)) = (site(), site());
        let tag = |root: &Root| field(&get(root, "/page.html").unwrap(), FieldName::Etag).to_owned();
        for dir in [&dir, &other_dir] {
            touch(dir, "page.html", Duration::from_nanos(784_111_777_000_000_001));
        }
        assert_eq!(tag(&root), tag(&other_root));
        touch(&dir, "page.html", Duration::from_nanos(784_111_777_000_000_002));
        assert_ne!(tag(&root), tag(&other_root));
        touch(&dir, "page.html", Duration::from_nanos(784_111_777_000_000_001));
        fs::write(dir.path().join("page.html"), "01234567890").unwrap();
        touch(&dir, "page.html", Duration::from_nanos(784_111_777_000_000_001));
        assert_ne!(tag(&root), tag(&other_root));
    }

    #[test]
    fn a_time_that_says_nothing_is_not_told() {
        let (dir, root) = site();
        for modified in [Duration::ZERO, Duration::from_secs(1)] {
            touch(&dir, "page.html", modified);
            let known = [("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")];
            let answer = ask(&root, Method::GET, "/page.html", &known).unwrap();
            assert_eq!(answer.status, StatusCode::OK);
            for name in [FieldName::Etag, FieldName::LastModified] {
                assert_eq!(answer.fields.get(name), None);
            }
        }
    }

    #[tokio::test]
    async fn head_is_get_without_the_body() {
        let (_dir, root) = site();
        let answer = ask(&root, Method::HEAD, "/page.html", &[]).unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.length, Some(10));
        assert_eq!(body(answer).await, "");
    }

    #[test]
    fn other_methods_are_told_what_is_allowed() {
        let (_dir, root) = site();
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let answer = ask(&root, method, "/page.html", &[]).unwrap();
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(field(&answer, FieldName::Allow), "GET, HEAD");
        }
    }

    #[tokio::test]
    async fn a_known_version_is_not_sent_again_and_a_changed_one_is() {
        let (dir, root) = site();
        touch(&dir, "page.html", Duration::from_secs(784_111_777));
        let first = get(&root, "/page.html").unwrap();
        let etag = field(&first, FieldName::Etag);
        let known = [("If-None-Match", etag)];
        let answer = ask(&root, Method::GET, "/page.html", &known).unwrap();
        assert_eq!(answer.status, StatusCode::NOT_MODIFIED);
        assert_eq!(field(&answer, FieldName::Etag), etag);
        assert_eq!(answer.length, None);
        fs::write(dir.path().join("page.new"), "9876543210").unwrap();
        fs::rename(dir.path().join("page.new"), dir.path().join("page.html")).unwrap();
        let answer = ask(&root, Method::GET, "/page.html", &known).unwrap();
        assert_eq!(answer.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_part_is_sent_as_a_part() {
        let (_dir, root) = site();
        let range = |value| [("Range", value)];
        let answer = ask(&root, Method::GET, "/page.html", &range("bytes=2-4")).unwrap();
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(field(&answer, FieldName::ContentRange), "bytes 2-4/10");
        assert_eq!(body(answer).await, "234");
        let answer = ask(&root, Method::GET, "/page.html", &range("bytes=10-")).unwrap();
        assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(field(&answer, FieldName::ContentRange), "bytes */10");
        let answer = ask(&root, Method::HEAD, "/page.html", &range("bytes=2-4")).unwrap();
        assert_eq!(answer.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_directory_is_its_index_under_its_proper_name() {
        let (_dir, root) = site();
        assert_eq!(body(get(&root, "/docs/").unwrap()).await, "index");
        let answer = get(&root, "/docs?a=b").unwrap();
        assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT);
        assert_eq!(field(&answer, FieldName::Location), "/docs/?a=b");
    }

    #[tokio::test]
    async fn the_first_index_that_is_a_file_and_no_program_is_sent() {
        let (_dir, root) = site();
        assert_eq!(body(get(&root, "/old/").unwrap()).await, "old");
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let (_dir, root) = site();
        for target in ["/", "/none", "/docs/empty/", "/page.html/", "/page.html/x"] {
            assert!(
                matches!(get(&root, target), Err(LookupError::NotFound)),
                "{target}"
            );
        }
    }

    #[test]
    fn programs_are_never_shown() {
        let (dir, root) = site();
        std::os::unix::fs::symlink("page.html", dir.path().join("link.php")).unwrap();
        for target in [
            "/a.php",
            "/b.PHP",
            "/c.pHtMl",
            "/d.phar",
            "/link.php",
            "/%61.p%48p",
        ] {
            assert!(
                matches!(get(&root, target), Err(LookupError::NotFound)),
                "{target}"
            );
        }
    }
}
