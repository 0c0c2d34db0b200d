//! What variables stand for.

use std::net::SocketAddr;
use std::sync::Arc;

use http::Method;

use super::*;
use crate::protocol::RequestHead;
use crate::protocol::fields::Fields;
use crate::protocol::proxy_protocol::decode;
use crate::protocol::request::{Client, RequestId};
use crate::protocol::tls::{ClientTls, Holder};
use crate::protocol::{Target, samples};

fn head() -> RequestHead {
    let mut head = samples::request(Method::GET);
    let client = Client {
        remote: Some(SocketAddr::from(([65, 66, 67, 68], 1)).into()),
        ..Client::default()
    };
    head.client = client;
    head.id = RequestId(0xfeed);
    head.target = Target::from_static("/a%20b//c?x=1&User=7&y");
    head.fields = Fields::from_iter([
        ("host", "Shop.Example:8080"),
        ("x-user", "one"),
        ("X-User", "two"),
        ("cookie", "a=1; SESSION=abc=d;b"),
        ("cookie", "session=second"),
        ("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
    ]);
    head
}

fn text(template: &str) -> String {
    text_of(&head(), template)
}

fn text_of(head: &RequestHead, template: &str) -> String {
    let mut text = Vec::new();
    let template: Template = template.parse().unwrap();
    template.write(head, &mut |bytes| text.extend_from_slice(bytes));
    String::from_utf8(text).unwrap()
}

#[test]
fn variables_mean_what_they_mean_in_nginx() {
    for (template, value) in [
        ("$uri", "/a b/c"),
        ("$request_uri", "/a%20b//c?x=1&User=7&y"),
        ("$args", "x=1&User=7&y"),
        ("$host$uri", "shop.example/a b/c"),
        ("<${host}>$scheme:", "<shop.example>http:"),
        ("$$host $$", "$host $"),
        ("$request_method", "GET"),
        ("$remote_addr", "65.66.67.68"),
        ("$binary_remote_addr", "ABCD"),
        ("$remote_port", "1"),
        ("$remote_user", "Aladdin"),
        ("$server_name", "Shop.Example"),
        ("$server_protocol", "HTTP/1.1"),
        ("$request_id", "000000000000feed"),
        ("$http_x_user", "one, two"),
        ("$http_cookie", "a=1; SESSION=abc=d;b; session=second"),
        ("$cookie_session", "abc=d"),
        ("$arg_user", "7"),
        ("$arg_y", ""),
        ("$arg_users", ""),
        ("$http_missing", ""),
    ] {
        assert_eq!(text(template), value, "{template}");
    }
}

/// Over IPv4, with TLS 1.3, an authority, and one TLV that has no name.
const ANNOUNCED: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x43\xc0\0\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb\
    \x02\0\x09a.example\x01\0\x02h2\x05\0\x02n7\
    \x20\0\x19\x07\0\0\0\x01\x21\0\x07TLSv1.3\x22\0\x03joe\x23\0\x01C\xea\0\x02vp";

#[test]
fn what_a_load_balancer_says_has_nginxs_names() {
    let mut head = head();
    let (header, length) = decode(ANNOUNCED).unwrap().unwrap();
    assert_eq!(length, ANNOUNCED.len());
    for (name, value) in [
        ("addr", "192.0.2.1"),
        ("port", "56324"),
        ("server_addr", "198.51.100.1"),
        ("server_port", "443"),
        ("tlv_alpn", "h2"),
        ("tlv_0x01", "h2"),
        ("tlv_authority", "a.example"),
        ("tlv_unique_id", "n7"),
        ("tlv_netns", ""),
        ("tlv_0xEa", "vp"),
        ("tlv_0x7", ""),
        ("tlv_ssl_version", "TLSv1.3"),
        ("tlv_ssl_cn", "joe"),
        ("tlv_ssl_cipher", "C"),
        ("tlv_ssl_0x23", "C"),
        ("tlv_ssl_sig_alg", ""),
        ("tlv_ssl_verify", "1"),
    ] {
        let template = format!("$proxy_protocol_{name}");
        head.client.announced = Some(header.clone().into());
        assert_eq!(text_of(&head, &template), value, "{name}");
        head.client.announced = None;
        assert_eq!(text_of(&head, &template), "", "{name}");
    }
    for name in [
        "adr",
        "tlv_",
        "tlv_0x",
        "tlv_0x100",
        "tlv_0x_1",
        "tlv_ssl_",
        "tlv_ssl_x",
    ] {
        let name = format!("proxy_protocol_{name}");
        let error = format!("${name}").parse::<Template>();
        assert_eq!(error, Err(TemplateError::Unknown(name)));
    }
}

#[test]
fn variables_of_tls_have_values_where_there_is_tls() {
    let template: Template =
        "$ssl_protocol,$ssl_session_reused,$ssl_client_verify,$ssl_client_s_dn,$ssl_client_escaped_cert"
            .parse()
            .unwrap();
    let written = |head: &RequestHead| {
        let mut text = Vec::new();
        template.write(head, &mut |bytes| text.extend_from_slice(bytes));
        String::from_utf8(text).unwrap()
    };
    let mut head = head();
    assert_eq!(written(&head), ",,,,");
    head.client.tls = Some(Arc::new(ClientTls {
        version: "TLSv1.2",
        asked: true,
        holder: Some(Box::new(Holder {
            subject: "CN=ann".to_owned(),
            pem: "a+/\n=~".to_owned(),
            ..Holder::default()
        })),
        ..ClientTls::default()
    }));
    assert_eq!(written(&head), "TLSv1.2,.,SUCCESS,CN=ann,a%2B%2F%0A%3D~");
}

#[test]
fn every_variable_of_tls_stands_in_the_list_of_names() {
    for (name, variable) in TlsVariable::ALL {
        assert!(NAMES.contains(&name));
        assert_eq!(name.parse(), Ok(Variable::Tls(variable)));
    }
}

#[test]
fn a_lenient_template_leaves_what_is_no_variable() {
    for (template, value) in [
        ("$host$uri", "shop.example/a b/c"),
        ("$5 ${SITE} $", "$5 ${SITE} $"),
        ("$$host $$$host", "$host $shop.example"),
        ("${host", "${host"),
        ("plain", "plain"),
        ("", ""),
    ] {
        let mut text = Vec::new();
        Template::lenient(template, &[]).write(&head(), &mut |bytes| text.extend_from_slice(bytes));
        assert_eq!(String::from_utf8(text).unwrap(), value, "{template}");
    }
}

#[test]
fn each_mistake_has_its_own_name() {
    let error = |template: &str| template.parse::<Template>().unwrap_err();
    assert_eq!(error("$user"), TemplateError::Unknown("user".into()));
    assert_eq!(error("$host$"), TemplateError::Dollar);
    assert_eq!(error("${host"), TemplateError::Dollar);
    assert_eq!(error("$cookie_"), TemplateError::Field("cookie_".into()));
}
