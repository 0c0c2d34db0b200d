//! The request that the command line describes.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Uri, Version};
use percent_encoding::percent_decode;

use super::args::{Args, Wire};
use crate::protocol::fields::{FieldName, FieldValue, Fields};
use crate::protocol::params::SOFTWARE;
use crate::protocol::peer::Peer;
use crate::protocol::request::{Client, RequestId, Script};
use crate::protocol::{RequestHead, Target};

/// A head with its body.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) head: RequestHead,
    pub(super) body: Bytes,
}

impl Request {
    /// What `args` ask for.
    pub(super) fn read(args: &Args) -> Result<Self> {
        let (method, target) = words(args)?;
        let body = args.data.as_deref().map(body).transpose()?;
        let uri: Uri = target
            .parse()
            .with_context(|| format!("`{target}` is neither a path nor a URL"))?;
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let script = script(args.script.as_deref(), uri.path());
        let target: Target = target.parse()?;
        let loopback = |port| Some(Peer::from(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
        let secure = uri.scheme_str() == Some("https");
        let head = RequestHead {
            method,
            script,
            version: Version::HTTP_11,
            fields: fields(args, &uri)?,
            client: Client {
                remote: loopback(0),
                local: loopback(if secure { 443 } else { 80 }).map(Arc::new),
                secure,
                ..Client::default()
            },
            target,
            server_name: None,
            host: None,
            content_length: body.as_ref().map(|body| body.len() as u64),
            chunked: false,
            upgrade: false,
            trailers: false,
            extra: params(&args.params)?,
            routed: None,
            id: RequestId(0),
        };
        Ok(Self {
            head,
            body: body.unwrap_or_default(),
        })
    }
}

/// Method and target. A single word that starts with a slash is the target.
fn words(args: &Args) -> Result<(Method, String)> {
    let name = args.script.as_deref().and_then(Path::file_name);
    let usual = match (&args.target.url, name) {
        (Some(url), _) => url.to_string(),
        (None, Some(name)) => format!("/{}", name.to_string_lossy()),
        (None, None) => "/".to_owned(),
    };
    let (method, target) = match (&args.first, &args.second) {
        (Some(only), None) if only.contains('/') => (None, only.clone()),
        (method, target) => (method.as_deref(), target.clone().unwrap_or(usual)),
    };
    let method = match method {
        Some(name) => name
            .parse()
            .with_context(|| format!("`{name}` is not a method"))?,
        None if args.data.is_some() => Method::POST,
        None => Method::GET,
    };
    Ok((method, target))
}

/// The text itself, or the contents of `@FILE`.
fn body(data: &str) -> Result<Bytes> {
    let Some(file) = data.strip_prefix('@') else {
        return Ok(Bytes::copy_from_slice(data.as_bytes()));
    };
    let mut contents = Vec::new();
    let read = match file {
        "-" => std::io::stdin().read_to_end(&mut contents),
        file => std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut contents)),
    };
    read.with_context(|| format!("cannot read {file}"))?;
    Ok(contents.into())
}

/// What curl would send, and then what was asked for.
fn fields(args: &Args, uri: &Uri) -> Result<Fields> {
    let mut fields = Fields::new();
    let named = uri.authority().map(|authority| authority.to_string());
    let asked = args.target.url.is_some() || args.wire() == Wire::Http;
    let host = named
        .or_else(|| args.target.authority().filter(|_| asked))
        .unwrap_or_else(|| "localhost".to_owned());
    let host = FieldValue::new(host.as_bytes()).context("the host is no field value")?;
    fields.append(FieldName::Host, host);
    fields.append(FieldName::UserAgent, SOFTWARE);
    fields.append(FieldName::Accept, "*/*");
    if args.data.is_some() {
        fields.append(FieldName::ContentType, "application/x-www-form-urlencoded");
    }
    let given: Vec<_> = args
        .headers
        .iter()
        .map(|text| crate::cli::field(text))
        .collect::<Result<_>>()?;
    for (name, _) in &given {
        fields.remove_named(name);
    }
    for (name, value) in given
        .into_iter()
        .filter(|(_, value)| !value.as_bytes().is_empty())
    {
        fields.append_named(name, value);
    }
    Ok(fields)
}

fn params(params: &[String]) -> Result<Arc<[(String, Bytes)]>> {
    let pair = |text: &String| {
        let (name, value) = text
            .split_once('=')
            .with_context(|| format!("`{text}` is not NAME=VALUE"))?;
        ensure!(!name.is_empty(), "`{text}` has no name");
        Ok((name.to_owned(), Bytes::copy_from_slice(value.as_bytes())))
    };
    params.iter().map(pair).collect()
}

/// The split of the path. Without a script everything is the application's; with one, the path up to the
/// script's name is `SCRIPT_NAME`, wherever the name stands. A path without it belongs to a front controller.
fn script(file: Option<&Path>, path: &str) -> Script {
    let decode = |text: &str| Bytes::from(percent_decode(text.as_bytes()).collect::<Vec<u8>>());
    let Some(file) = file else {
        return Script {
            path_info: decode(path),
            path_info_encoded: Bytes::copy_from_slice(path.as_bytes()),
            ..Script::default()
        };
    };
    let filename = Bytes::copy_from_slice(file.as_os_str().as_bytes());
    let name = format!("/{}", file.file_name().unwrap_or_default().to_string_lossy());
    let mut ends = path.match_indices(&name).map(|(start, _)| start + name.len());
    let end = ends.find(|end| matches!(path.as_bytes().get(*end), None | Some(b'/')));
    let (name, rest) = end.map_or((name.as_str(), ""), |end| path.split_at(end));
    Script {
        name: decode(name),
        path_info: decode(rest),
        path_info_encoded: Bytes::copy_from_slice(rest.as_bytes()),
        filename: Some(filename),
        document_root: None,
        php: false,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn request(line: &str) -> Result<Request> {
        request_to("/run/x.sock", line)
    }

    fn request_to(target: &str, line: &str) -> Result<Request> {
        let words = ["call", target].into_iter().chain(line.split_whitespace());
        Request::read(&Line::try_parse_from(words)?.args)
    }

    fn start(line: &str) -> (String, String) {
        let head = request(line).unwrap().head;
        (head.method.to_string(), head.target.to_string())
    }

    #[test]
    fn method_and_path_may_be_left_out() {
        for (line, method, target) in [
            ("", "GET", "/"),
            ("HEAD", "HEAD", "/"),
            ("/env?x=1", "GET", "/env?x=1"),
            ("PUT /x", "PUT", "/x"),
            ("/x -d a=b", "POST", "/x"),
            ("--script /srv/index.php", "GET", "/index.php"),
            ("http://shop.example/x", "GET", "/x"),
        ] {
            assert_eq!(start(line), (method.to_owned(), target.to_owned()), "{line}");
        }
    }

    #[test]
    fn a_url_for_an_address_is_what_is_asked_for() {
        for (target, line, path, host) in [
            ("http://app:8000/x?y", "", "/x?y", "app:8000"),
            ("http://app/x", "POST", "/x", "app"),
            ("http://app/x", "/other", "/other", "app"),
            ("http://app/x", "http://shop.example/z", "/z", "shop.example"),
            ("app:8000", "--protocol http /x", "/x", "app:8000"),
            ("/run/x.sock", "--protocol http", "/", "localhost"),
            ("app:9000", "/x", "/x", "localhost"),
        ] {
            let head = request_to(target, line).unwrap().head;
            let (target, own) = (head.target.to_string(), head.fields.get(FieldName::Host).unwrap());
            assert_eq!((&*target, own), (path, host.as_bytes()), "{target} {line}");
        }
    }

    #[test]
    fn fields_and_variables_are_checked() {
        for line in [
            "-H nonsense",
            "-H a\u{7f}b:c",
            "-p =x",
            "-p x",
            "G\u{e4}T /",
            "-d @/does/not/exist",
        ] {
            assert!(request(line).is_err(), "{line}");
        }
        let head = request("http://shop.example/ -H Accept: -H X-A:1 -H X-A:2 -p REMOTE_USER=me")
            .unwrap()
            .head;
        assert_eq!(head.fields.get(FieldName::Host), Some(&b"shop.example"[..]));
        assert!(!head.fields.contains(FieldName::Accept));
        assert_eq!(head.fields.all_named(b"x-a").count(), 2);
        assert_eq!(head.extra[0].0, "REMOTE_USER");
    }

    #[test]
    fn paths_are_split_behind_the_script() {
        let split = |file: &str, path: &str| {
            let script = script(Some(Path::new(file)), path);
            (script.name, script.path_info)
        };
        let pair = |name: &'static str, rest: &'static str| (Bytes::from(name), Bytes::from(rest));
        assert_eq!(split("/srv/a.php", "/x/a.php/b%20c"), pair("/x/a.php", "/b c"));
        assert_eq!(split("/srv/a.php", "/a.phpx/y"), pair("/a.php", ""));
        assert_eq!(split("/srv/a.php", "/users/1"), pair("/a.php", ""));
        assert_eq!(split("/status", "/status"), pair("/status", ""));
    }
}
