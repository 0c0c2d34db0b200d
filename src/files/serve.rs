//! Plain answers: a file as it is, its conditions and parts; a redirect to a directory; its index.

use std::io;

use http::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED, LOCATION,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::body::Body;
use super::conditional::{Part, Precondition, Validators};
use super::mime::content_type;
use super::path::{DecodedPath, RelPath};
use super::root::{Entry, File, LookupError, Root};

/// Endings of names that are programs. Whatever the route, they are never sent as text: they hold passwords.
const PROGRAMS: [&[u8]; 3] = [b".php", b".phtml", b".phar"];

/// A request, as far as it concerns files.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Anything but GET and HEAD is answered with 405.
    pub method: &'a Method,
    /// Conditions and ranges.
    pub headers: &'a HeaderMap,
    /// The URL path, for redirects.
    pub path: &'a DecodedPath,
    /// The query, for redirects; without its question mark.
    pub query: Option<&'a str>,
}

/// Answers with what is at `path` below `root`: a file, the file named `index` of a directory, or a redirect to
/// a directory's proper name.
pub fn respond(
    root: &Root,
    index: &str,
    path: &RelPath,
    request: &Request<'_>,
) -> Result<Response<Body>, LookupError> {
    if let Some(refusal) = refuse(request.method) {
        return Ok(refusal);
    }
    match root.get(path)? {
        Entry::File(_) if path.is_directory() => Err(LookupError::NotFound),
        Entry::File(opened) => file(opened, path, request),
        Entry::Directory if !path.is_directory() => Ok(redirect(request)),
        Entry::Directory => {
            let index = path.join(index);
            match root.get(&index)? {
                Entry::File(opened) => file(opened, &index, request),
                Entry::Directory => Err(LookupError::NotFound),
            }
        }
    }
}

/// Answers with an open file; `path` is its name.
pub fn file(file: File, path: &RelPath, request: &Request<'_>) -> Result<Response<Body>, LookupError> {
    if let Some(refusal) = refuse(request.method) {
        return Ok(refusal);
    }
    if is_program(path.name()) {
        return Err(LookupError::NotFound);
    }
    let validators = Validators::of(&file);
    let mut response = match validators.check(request.headers) {
        Precondition::Holds => contents(file, path, request, &validators).map_err(LookupError::Io)?,
        Precondition::NotModified => status(StatusCode::NOT_MODIFIED),
        Precondition::Failed => status(StatusCode::PRECONDITION_FAILED),
    };
    let headers = response.headers_mut();
    if let Some(modified) = validators.modified {
        let date = httpdate::fmt_http_date(modified);
        headers.extend(HeaderValue::try_from(date).ok().map(|date| (LAST_MODIFIED, date)));
    }
    headers.insert(ETAG, validators.etag);
    Ok(response)
}

/// 308 to the same path with a slash at its end.
pub fn redirect(request: &Request<'_>) -> Response<Body> {
    let mut response = status(StatusCode::PERMANENT_REDIRECT);
    let location = request.path.location_with_slash(request.query);
    response.headers_mut().insert(LOCATION, location);
    response
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

fn refuse(method: &Method) -> Option<Response<Body>> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let mut response = status(StatusCode::METHOD_NOT_ALLOWED);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(METHODS));
    Some(response)
}

/// 200, 206 or 416.
fn contents(
    file: File,
    path: &RelPath,
    request: &Request<'_>,
    validators: &Validators,
) -> io::Result<Response<Body>> {
    let is_get = request.method == Method::GET;
    let part = if is_get {
        validators.part(request.headers, file.size)
    } else {
        Part::Whole
    };
    let (code, range) = match part {
        Part::Whole => (StatusCode::OK, 0..file.size),
        Part::Bytes(range) => (StatusCode::PARTIAL_CONTENT, range),
        Part::Unsatisfiable => return Ok(unsatisfiable(file.size)),
    };
    let mut response = status(code);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type(path.name()));
    headers.insert(CONTENT_LENGTH, (range.end - range.start).into());
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if code == StatusCode::PARTIAL_CONTENT {
        let sent = format!("bytes {}-{}/{}", range.start, range.end - 1, file.size);
        headers.extend(HeaderValue::try_from(sent).ok().map(|sent| (CONTENT_RANGE, sent)));
    }
    if is_get {
        *response.body_mut() = Body::part(file.file, range)?;
    }
    Ok(response)
}

fn unsatisfiable(size: u64) -> Response<Body> {
    let mut response = status(StatusCode::RANGE_NOT_SATISFIABLE);
    let size = HeaderValue::try_from(format!("bytes */{size}")).ok();
    response
        .headers_mut()
        .extend(size.map(|size| (CONTENT_RANGE, size)));
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use http::header::{IF_NONE_MATCH, RANGE};
    use http_body_util::BodyExt;
    use tempfile::TempDir;

    use super::*;

    fn site() -> (TempDir, Root) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("docs/empty")).unwrap();
        fs::write(dir.path().join("page.html"), "0123456789").unwrap();
        fs::write(dir.path().join("docs/index.html"), "index").unwrap();
        for program in ["a.php", "b.PHP", "c.pHtMl", "d.phar"] {
            fs::write(dir.path().join(program), "<?php secret();").unwrap();
        }
        let root = Root::open(dir.path()).unwrap();
        (dir, root)
    }

    fn ask(
        root: &Root,
        method: Method,
        target: &str,
        headers: HeaderMap,
    ) -> Result<Response<Body>, LookupError> {
        let (path, query) = target
            .split_once('?')
            .map_or((target, None), |(p, q)| (p, Some(q)));
        let path = DecodedPath::parse(path.as_bytes()).unwrap();
        let request = Request {
            method: &method,
            headers: &headers,
            path: &path,
            query,
        };
        let relative = path.relative(0, path.as_bytes().len()).unwrap();
        respond(root, "index.html", &relative, &request)
    }

    fn get(root: &Root, target: &str) -> Result<Response<Body>, LookupError> {
        ask(root, Method::GET, target, HeaderMap::new())
    }

    async fn body(response: Response<Body>) -> String {
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn field(response: &Response<Body>, name: http::HeaderName) -> &str {
        response
            .headers()
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    #[tokio::test]
    async fn a_file_is_sent_with_what_a_cache_needs() {
        let (dir, root) = site();
        let modified = SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_500);
        let page = fs::File::options()
            .write(true)
            .open(dir.path().join("page.html"))
            .unwrap();
        page.set_modified(modified).unwrap();
        let response = get(&root, "/page.html").unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(field(&response, CONTENT_TYPE), "text/html; charset=utf-8");
        assert_eq!(field(&response, CONTENT_LENGTH), "10");
        assert_eq!(field(&response, LAST_MODIFIED), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert!(field(&response, ETAG).starts_with('"'));
        assert_eq!(body(response).await, "0123456789");
    }

    #[tokio::test]
    async fn head_is_get_without_the_body() {
        let (_dir, root) = site();
        let response = ask(&root, Method::HEAD, "/page.html", HeaderMap::new()).unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(field(&response, CONTENT_LENGTH), "10");
        assert_eq!(body(response).await, "");
    }

    #[test]
    fn other_methods_are_told_what_is_allowed() {
        let (_dir, root) = site();
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let response = ask(&root, method, "/page.html", HeaderMap::new()).unwrap();
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(field(&response, ALLOW), "GET, HEAD");
        }
    }

    #[tokio::test]
    async fn a_known_version_is_not_sent_again_and_a_changed_one_is() {
        let (dir, root) = site();
        let etag = get(&root, "/page.html").unwrap().headers()[ETAG].clone();
        let known = HeaderMap::from_iter([(IF_NONE_MATCH, etag.clone())]);
        let response = ask(&root, Method::GET, "/page.html", known.clone()).unwrap();
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(response.headers()[ETAG], etag);
        assert!(!response.headers().contains_key(CONTENT_LENGTH));
        fs::write(dir.path().join("page.new"), "0123456789").unwrap();
        fs::rename(dir.path().join("page.new"), dir.path().join("page.html")).unwrap();
        let response = ask(&root, Method::GET, "/page.html", known).unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn a_part_is_sent_as_a_part() {
        let (_dir, root) = site();
        let range = |value| HeaderMap::from_iter([(RANGE, HeaderValue::from_static(value))]);
        let response = ask(&root, Method::GET, "/page.html", range("bytes=2-4")).unwrap();
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(field(&response, CONTENT_RANGE), "bytes 2-4/10");
        assert_eq!(field(&response, CONTENT_LENGTH), "3");
        assert_eq!(body(response).await, "234");
        let response = ask(&root, Method::GET, "/page.html", range("bytes=10-")).unwrap();
        assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(field(&response, CONTENT_RANGE), "bytes */10");
        let response = ask(&root, Method::HEAD, "/page.html", range("bytes=2-4")).unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn a_directory_is_its_index_under_its_proper_name() {
        let (_dir, root) = site();
        assert_eq!(body(get(&root, "/docs/").unwrap()).await, "index");
        let response = get(&root, "/docs?a=b").unwrap();
        assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
        assert_eq!(field(&response, LOCATION), "/docs/?a=b");
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
