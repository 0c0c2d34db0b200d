//! Plain answers: a file as it is, its conditions and parts; a redirect to a directory; its index.

use std::io;
use std::ops::Range;
use std::time::SystemTime;

use http::{Method, StatusCode};

use super::answer::{FileAnswer, Request};
use super::body::Body;
use super::coding::Coding;
use super::conditional::Precondition;
use super::directory::LookupError;
use super::expiry::{Expiry, Subject};
use super::file::{Content, File};
use super::listing::Listing;
use super::mime::media_type;
use super::multipart::Multipart;
use super::path::RelPath;
use super::program::is_program;
use super::ranges::Asked;
use super::root::{Entry, Root};
use super::told::Told;
use crate::protocol::fields::{FieldName, Fields};

/// What answers for a directory.
#[derive(Clone, Copy, Debug)]
pub struct Indexes<'a> {
    /// Names of files in it, of which the first that is there and may be sent is.
    pub names: &'a [String],
    /// How it is listed where there is none, if it is.
    pub listing: Option<&'a Listing>,
}

/// Answers with what is at `path` below `root`: a file, what `indexes` say of a directory, or a redirect to a directory's
/// proper name.
pub fn respond(
    root: &Root,
    indexes: Indexes<'_>,
    path: &RelPath,
    request: &Request<'_>,
) -> Result<FileAnswer, LookupError> {
    if let Some(refusal) = refuse(request.method) {
        return Ok(refusal);
    }
    // What is in it tells whether it is one.
    if path.is_directory() && request.path.is_directory() {
        return directory(root, indexes, path, request);
    }
    match root.get(path)? {
        Entry::File(_) if path.is_directory() => Err(LookupError::NotFound),
        Entry::File(opened) => file(root, opened, path, request),
        // A path that is looked up from its middle on may be nothing, and its URL end without a slash all the same.
        Entry::Directory if !request.path.is_directory() => Ok(redirect(request)),
        Entry::Directory => directory(root, indexes, path, request),
    }
}

/// The first of the files of a directory that are there and may be sent, or a list of what else there is.
fn directory(
    root: &Root,
    indexes: Indexes<'_>,
    path: &RelPath,
    request: &Request<'_>,
) -> Result<FileAnswer, LookupError> {
    for (at, name) in indexes.names.iter().enumerate() {
        let index = path.join(name);
        let answer = match root.get(&index) {
            Ok(Entry::File(opened)) => file(root, opened, &index, request),
            Ok(Entry::Directory) => continue,
            Err(error) => Err(error),
        };
        match answer {
            Err(LookupError::NotFound) => {}
            answer => return answer.map(|answer| answer.of_index(at)),
        }
    }
    match indexes.listing {
        Some(listing) => listing.respond(root, path, request),
        None => Err(LookupError::NotFound),
    }
}

/// Answers with a file below `root`; `path` is where it is.
pub fn file(
    root: &Root,
    file: File,
    path: &RelPath,
    request: &Request<'_>,
) -> Result<FileAnswer, LookupError> {
    if let Some(refusal) = refuse(request.method) {
        return Ok(refusal);
    }
    if is_program(path.name()) {
        return Err(LookupError::NotFound);
    }
    let delivery = request.delivery;
    let modified = file.modified;
    let (file, coding) = match delivery.precompressed.is_empty() {
        true => (file, None),
        false => coded(root, file, path, request),
    };
    let tell = || Told::of((file.size, file.modified), path.name(), coding, delivery);
    let made;
    let kept = match &file.content {
        Content::Kept(kept) => kept.told(coding.is_some(), tell),
        Content::Open(_) => None,
    };
    let told = match kept {
        Some(told) => told,
        None => {
            made = tell();
            &made
        }
    };
    let mut answer = match told.validators.check(request.fields) {
        Precondition::Holds => contents(&file, coding, request, told).map_err(LookupError::Io)?,
        Precondition::NotModified => FileAnswer::new(StatusCode::NOT_MODIFIED, told.without_contents()),
        Precondition::Failed => FileAnswer::new(StatusCode::PRECONDITION_FAILED, told.without_contents()),
    };
    if !delivery.expires.is_empty() && !answer.status.is_client_error() {
        expire(&mut answer.fields, path.name(), modified, request);
    }
    Ok(answer)
}

/// The file in the coding that the client likes best, if one lies beside it.
fn coded(root: &Root, file: File, path: &RelPath, request: &Request<'_>) -> (File, Option<Coding>) {
    let fields = request.fields;
    if !fields.contains(FieldName::AcceptEncoding) {
        return (file, None);
    }
    let offered = request.delivery.precompressed.iter();
    let liking = |coding: &Coding| coding.liking(fields.all(FieldName::AcceptEncoding));
    let mut liked: Vec<_> = offered
        .filter_map(|coding| Some((liking(coding)?, *coding)))
        .collect();
    // Stable: the best first among those that are liked alike.
    liked.sort_by_key(|(liking, _)| u16::MAX - liking);
    for (_, coding) in liked {
        // What cannot be read is as good as not there.
        if let Ok(Some(coded)) = root.get_possible(&path.with_suffix(coding.suffix())) {
            return (coded, Some(coding));
        }
    }
    (file, None)
}

/// Says how long the file may be kept.
fn expire(fields: &mut Fields, name: &[u8], modified: SystemTime, request: &Request<'_>) {
    let subject = Subject {
        name,
        query: request.query,
        media_type: media_type(name, request.delivery),
    };
    if let Some(rule) = Expiry::find(&request.delivery.expires, &subject) {
        rule.put(modified, SystemTime::now(), fields);
    }
}

/// 308 to the same path with a slash at its end.
pub fn redirect(request: &Request<'_>) -> FileAnswer {
    let mut answer = FileAnswer::new(StatusCode::PERMANENT_REDIRECT, Fields::new());
    let location = request.path.location_with_slash(request.query);
    // No target holds what a field's value must not.
    answer.fields.try_set(FieldName::Location, &location);
    answer
}

/// Methods that a file answers.
pub const METHODS: &str = "GET, HEAD";

fn refuse(method: &Method) -> Option<FileAnswer> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let mut answer = FileAnswer::new(StatusCode::METHOD_NOT_ALLOWED, Fields::new());
    answer.fields.append(FieldName::Allow, METHODS);
    Some(answer)
}

/// 200, 206 or 416.
fn contents(
    file: &File,
    coding: Option<Coding>,
    request: &Request<'_>,
    told: &Told,
) -> io::Result<FileAnswer> {
    match asked(file, request, told) {
        Asked::Part(range) => {
            let mut answer = FileAnswer::new(StatusCode::PARTIAL_CONTENT, told.fields.clone());
            put_range(&mut answer.fields, &range, file.size);
            answer.body = Body::part(&file.content, range)?;
            Ok(answer)
        }
        // The parts would be in one coding each, and no client knows that.
        Asked::Parts(parts) if coding.is_none() => several(file, &parts, told),
        Asked::Whole | Asked::Parts(_) => {
            let mut answer = FileAnswer::new(StatusCode::OK, told.fields.clone());
            match *request.method == Method::GET {
                true => answer.body = Body::part(&file.content, 0..file.size)?,
                false => answer.length = Some(file.size),
            }
            Ok(answer)
        }
        Asked::Unsatisfiable => Ok(unsatisfiable(file.size, told)),
    }
}

/// What the request wants of the contents: a HEAD never wants a part of them (RFC 9110, section 14.2).
fn asked(file: &File, request: &Request<'_>, told: &Told) -> Asked {
    let (fields, most) = (request.fields, request.delivery.max_ranges);
    match fields.get(FieldName::Range) {
        Some(range)
            if most > 0
                && *request.method == Method::GET
                && !fields.repeated().contains(FieldName::Range)
                && file.size > 0
                && told.validators.if_range(fields) =>
        {
            Asked::read(range, file.size, most)
        }
        _ => Asked::Whole,
    }
}

/// Several parts in one body.
fn several(file: &File, parts: &[Range<u64>], told: &Told) -> io::Result<FileAnswer> {
    let multipart = Multipart {
        content_type: told.fields.get(FieldName::ContentType).unwrap_or_default(),
        size: file.size,
        boundary: fastrand::u64(..),
    };
    let mut answer = FileAnswer::new(StatusCode::PARTIAL_CONTENT, told.fields.clone());
    let content_type = multipart.content_type();
    answer
        .fields
        .try_set(FieldName::ContentType, content_type.as_bytes());
    answer.body = multipart.body(&file.content, parts)?;
    Ok(answer)
}

fn put_range(fields: &mut Fields, range: &Range<u64>, size: u64) {
    let sent = format!("bytes {}-{}/{size}", range.start, range.end - 1);
    fields.try_set(FieldName::ContentRange, sent.as_bytes());
}

fn unsatisfiable(size: u64, told: &Told) -> FileAnswer {
    let mut answer = FileAnswer::new(StatusCode::RANGE_NOT_SATISFIABLE, told.without_contents());
    let size = format!("bytes */{size}");
    answer.fields.try_set(FieldName::ContentRange, size.as_bytes());
    answer
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::future::poll_fn;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::super::{DecodedPath, Delivery};
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
        ask_for(&Delivery::default(), root, method, target, fields)
    }

    fn ask_for(
        delivery: &Delivery,
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
            delivery,
        };
        let relative = path.relative(0, path.as_bytes().len()).unwrap();
        let index = ["index.html", "index.php", "index.htm"].map(str::to_owned);
        let listing = Listing::default();
        let indexes = Indexes {
            names: &index,
            listing: target.starts_with("/listed").then_some(&listing),
        };
        respond(root, indexes, &relative, &request)
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
        assert_eq!((answer.length, answer.body.remaining()), (None, Some(10)));
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
    async fn several_parts_come_in_one_body_each_with_its_place() {
        let (_dir, root) = site();
        let range = [("Range", "bytes=5-6,0-1")];
        let answer = ask(&root, Method::GET, "/page.html", &range).unwrap();
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
        let content_type = field(&answer, FieldName::ContentType).to_owned();
        let boundary = content_type
            .strip_prefix("multipart/byteranges; boundary=")
            .unwrap();
        assert_eq!(answer.fields.get(FieldName::ContentRange), None);
        let length = answer.body.remaining();
        let sent = body(answer).await;
        assert_eq!(Some(sent.len() as u64), length);
        let part = |range: &str, bytes: &str| {
            format!(
                "\r\n--{boundary}\r\nContent-Type: text/html\r\nContent-Range: bytes {range}/10\r\n\r\n{bytes}"
            )
        };
        let parts = [part("5-6", "56"), part("0-1", "01")].concat();
        assert_eq!(sent, format!("{parts}\r\n--{boundary}--\r\n"));
    }

    #[tokio::test]
    async fn a_thousand_ranges_are_one_file() {
        let (_dir, root) = site();
        let overlapping: Vec<String> = (0..1000).map(|_| "0-9".to_owned()).collect();
        let range = format!("bytes={}", overlapping.join(","));
        let answer = ask(&root, Method::GET, "/page.html", &[("Range", &range)]).unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(body(answer).await, "0123456789");
    }

    #[test]
    fn without_ranges_none_are_offered_and_none_are_sent() {
        let (_dir, root) = site();
        let delivery = Delivery {
            max_ranges: 0,
            ..Delivery::default()
        };
        let range = [("Range", "bytes=0-0")];
        let answer = ask_for(&delivery, &root, Method::GET, "/page.html", &range).unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.fields.get(FieldName::AcceptRanges), None);
    }

    #[tokio::test]
    async fn a_file_is_sent_in_the_coding_that_lies_beside_it_and_that_the_client_likes() {
        let (dir, root) = site();
        fs::write(dir.path().join("page.html.br"), "brotli").unwrap();
        fs::write(dir.path().join("page.html.gz"), "gzip!").unwrap();
        fs::write(dir.path().join("alone.html.br"), "alone").unwrap();
        let delivery = Delivery {
            precompressed: Coding::ALL.to_vec(),
            ..Delivery::default()
        };
        let ask =
            |target: &str, fields: &[(&str, &str)]| ask_for(&delivery, &root, Method::GET, target, fields);
        let mut tags = Vec::new();
        for (accept, coding, sent) in [
            ("gzip, br, zstd", "br", "brotli"),
            ("gzip, br;q=0.5", "gzip", "gzip!"),
            ("zstd", "", "0123456789"),
            ("identity", "", "0123456789"),
        ] {
            let answer = ask("/page.html", &[("Accept-Encoding", accept)]).unwrap();
            assert_eq!(field(&answer, FieldName::ContentEncoding), coding, "{accept}");
            assert_eq!(field(&answer, FieldName::ContentType), "text/html");
            assert_eq!(field(&answer, FieldName::Vary), "Accept-Encoding");
            tags.push(
                field(&answer, FieldName::Etag)
                    .trim_start_matches("W/")
                    .to_owned(),
            );
            assert_eq!(body(answer).await, sent, "{accept}");
        }
        assert!(
            tags[0] != tags[1] && tags[0] != tags[2] && tags[2] == tags[3],
            "{tags:?}"
        );
        // Its own tag, its own parts.
        let known = [("Accept-Encoding", "br"), ("If-None-Match", &*tags[0])];
        let answer = ask("/page.html", &known).unwrap();
        assert_eq!(answer.status, StatusCode::NOT_MODIFIED);
        assert_eq!(field(&answer, FieldName::Vary), "Accept-Encoding");
        let part = [("Accept-Encoding", "br"), ("Range", "bytes=0-2")];
        let answer = ask("/page.html", &part).unwrap();
        assert_eq!(field(&answer, FieldName::ContentRange), "bytes 0-2/6");
        assert_eq!(body(answer).await, "bro");
        // As itself it is just bytes.
        let answer = ask("/page.html.br", &[("Accept-Encoding", "br")]).unwrap();
        assert_eq!(answer.fields.get(FieldName::ContentEncoding), None);
        assert!(matches!(
            ask("/alone.html", &[("Accept-Encoding", "br")]),
            Err(LookupError::NotFound)
        ));
    }

    #[test]
    fn how_long_a_file_may_be_kept_is_said_with_it_and_again_when_it_is_known() {
        let (dir, root) = site();
        touch(&dir, "page.html", Duration::from_secs(784_111_777));
        let delivery = Delivery {
            expires: vec![Expiry {
                suffix: vec![".html".to_owned()],
                after: Duration::from_secs(60),
                ..Expiry::default()
            }],
            ..Delivery::default()
        };
        let ask = |target: &str, fields: &[(&str, &str)]| {
            ask_for(&delivery, &root, Method::GET, target, fields).unwrap()
        };
        for (fields, status) in [
            (&[][..], StatusCode::OK),
            (&[("Range", "bytes=0-1")], StatusCode::PARTIAL_CONTENT),
            (&[("If-None-Match", "*")], StatusCode::NOT_MODIFIED),
        ] {
            let answer = ask("/page.html", fields);
            assert_eq!(answer.status, status);
            assert_eq!(field(&answer, FieldName::CacheControl), "max-age=60");
            let expires = httpdate::parse_http_date(field(&answer, FieldName::Expires)).unwrap();
            assert!(expires > SystemTime::now() + Duration::from_secs(50));
        }
        let failed = ask("/page.html", &[("If-Match", "\"x\"")]);
        assert_eq!(failed.status, StatusCode::PRECONDITION_FAILED);
        assert_eq!(failed.fields.get(FieldName::CacheControl), None);
        assert_eq!(ask("/old/", &[]).fields.get(FieldName::Expires), None);
    }

    #[tokio::test]
    async fn a_directory_without_an_index_is_listed_without_what_is_never_sent() {
        let (dir, root) = site();
        fs::create_dir_all(dir.path().join("listed/sub")).unwrap();
        fs::create_dir_all(dir.path().join("listed/home")).unwrap();
        for name in ["b.txt", ".hidden", "a.php", "a.txt", "home/index.html"] {
            fs::write(dir.path().join("listed").join(name), name).unwrap();
        }
        std::os::unix::fs::symlink("nowhere", dir.path().join("listed/broken")).unwrap();
        let json = [("Accept", "application/json")];
        let answer = ask(&root, Method::GET, "/listed/?sort=name&order=desc", &json).unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(field(&answer, FieldName::ContentType), "application/json");
        assert_eq!(answer.body.remaining(), None);
        let listed = body(answer).await;
        let places = ["\"sub\"", "\"home\"", "\"b.txt\"", "\"a.txt\""].map(|name| listed.find(name));
        assert!(
            places.iter().all(Option::is_some) && places.is_sorted(),
            "{listed}"
        );
        for name in ["hidden", "a.php", "broken"] {
            assert!(!listed.contains(name), "{listed}");
        }
        let page = body(get(&root, "/listed/").unwrap()).await;
        assert!(page.contains("<a href=\"./a.txt\">a.txt</a>"), "{page}");
        let answer = ask(&root, Method::HEAD, "/listed/", &[]).unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(body(answer).await, "");
        // An index is what it was.
        assert_eq!(
            body(get(&root, "/listed/home/").unwrap()).await,
            "home/index.html"
        );
        let answer = get(&root, "/listed").unwrap();
        assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT);
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
