//! Templates that become URIs: targets of redirects and of rewrites.
//!
//! Some variables hold what is decoded: `$uri`, and what patterns take out of paths and hosts. In a URI they are encoded
//! again, so that a blank, a line feed or a `?` of a path ends nothing and begins nothing.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::protocol::RequestHead;
use crate::variables::{Part, Scope, Template, Variable};

/// The URI that a template comes to for a request.
pub(super) fn uri(template: &Template, head: &RequestHead) -> Vec<u8> {
    let mut uri = Vec::new();
    for part in template.parts() {
        match part {
            Part::Text(text) => uri.extend_from_slice(text.as_bytes()),
            Part::Variable(variable) => value(variable, head, &mut uri),
        }
    }
    uri
}

/// The same, of a redirect. A path stays one: browsers take what begins with two slashes, or with a slash and a backslash,
/// for another host, which the client of a variable could name.
pub(super) fn within(template: &Template, head: &RequestHead) -> Vec<u8> {
    let mut uri = uri(template, head);
    let slashes = uri.iter().take_while(|byte| matches!(byte, b'/' | b'\\')).count();
    if slashes > 1 && uri[0] == b'/' && !template.as_str().starts_with("//") {
        uri.drain(1..slashes);
    }
    uri
}

fn value(variable: &Variable, head: &RequestHead, uri: &mut Vec<u8>) {
    let kept = match (variable, uri.contains(&b'?')) {
        (Variable::Uri | Variable::Capture(_), false) => IN_PATH,
        (Variable::Uri | Variable::Capture(_), true) => IN_QUERY,
        _ => return head.write(variable, &mut |piece| uri.extend_from_slice(piece)),
    };
    head.write(variable, &mut |piece| {
        percent_encode(piece, kept).for_each(|text| uri.extend_from_slice(text.as_bytes()));
    });
}

/// What is encoded in a path: all but what RFC 3986 lets stand in a segment, and the slash.
const IN_PATH: &AsciiSet = &IN_QUERY
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// What is encoded in the value of an argument.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Method;

    use super::*;
    use crate::protocol::captures::Captures;
    use crate::protocol::{Target, samples};

    #[test]
    fn what_is_decoded_is_encoded_again_for_its_place() {
        let mut head = samples::request(Method::GET);
        head.target = Target::from_static("/a%20b%3F/c&d?x=%20y");
        let mut captures = Captures::default();
        captures.set("name", Bytes::from_static(b"a&b?\r\n/\xff"));
        head.routed.get_or_insert_default().captures = captures;
        for (template, expected) in [
            ("https://new.example$uri", "https://new.example/a%20b%3F/c&d"),
            ("/i.php?q=$uri&$args", "/i.php?q=/a%20b%3F/c%26d&x=%20y"),
            ("/x/$name", "/x/a&b%3F%0D%0A/%FF"),
            ("/x?$name", "/x?a%26b%3F%0D%0A/%FF"),
            ("$request_uri", "/a%20b%3F/c&d?x=%20y"),
            ("/a$is_args$args", "/a?x=%20y"),
        ] {
            let parsed = Template::with_captures(template, &["name".to_owned()]).unwrap();
            assert_eq!(uri(&parsed, &head), expected.as_bytes(), "{template}");
        }
    }

    #[test]
    fn no_variable_makes_a_path_another_host() {
        let mut head = samples::request(Method::GET);
        head.target = Target::from_static("//evil.example/%2Fa?x=//evil.example");
        let mut captures = Captures::default();
        captures.set("name", Bytes::from_static(b"/evil.example"));
        captures.set("other", Bytes::from_static(b"\\evil.example"));
        head.routed.get_or_insert_default().captures = captures;
        for (template, expected) in [
            ("$request_uri", "/evil.example/%2Fa?x=//evil.example"),
            ("/$name", "/evil.example"),
            ("/$other", "/%5Cevil.example"),
            ("/$arg_x", "/evil.example"),
            ("https://new.example/$name", "https://new.example//evil.example"),
            ("/a/$name", "/a//evil.example"),
            ("//cdn.example$uri", "//cdn.example/evil.example/a"),
        ] {
            let names = ["name".to_owned(), "other".to_owned()];
            let parsed = Template::with_captures(template, &names).unwrap();
            assert_eq!(
                String::from_utf8(within(&parsed, &head)).unwrap(),
                expected,
                "{template}"
            );
        }
    }
}
