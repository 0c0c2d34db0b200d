//! `[[route]]`.

use super::{Out, array, name, path, period, quote, quote_key, size};
use crate::config::check;
use crate::config::units::Size;
use crate::frontend::config::{
    Buffering, Files, Handler, Host, Limits, Php, Proxy, Redirect, Respond, Route, Status,
};
use crate::upstream::Config as Upstream;

pub(super) fn print(route: &Route, upstreams: &[Upstream], out: &mut Out) {
    let Route {
        host,
        path,
        handler,
        limits,
        buffering,
        params,
        headers,
        ignore_client_abort,
    } = route;
    out.head("[[route]]");
    match host {
        Some(Host::Exact(name)) => out.text("host", name),
        Some(Host::Suffix(name)) => out.text("host", &format!("*{name}")),
        None => {}
    }
    out.text("path", path);
    print_handler(handler, upstreams, out);
    print_limits(limits, out);
    print_buffering(buffering, out);
    let params: Vec<_> = params
        .iter()
        .map(|(name, value)| (name.as_str(), quote_bytes(value)))
        .collect();
    out.table("params", &params);
    let headers: Vec<_> = headers
        .iter()
        .map(|field| {
            let name = String::from_utf8_lossy(field.spelling);
            (quote_key(&name), quote_bytes(field.value))
        })
        .collect();
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    out.table("headers", &headers);
    if check::target(handler).is_some() {
        out.plain("ignore_client_abort", ignore_client_abort);
    }
}

fn print_handler(handler: &Handler, upstreams: &[Upstream], out: &mut Out) {
    match handler {
        Handler::Php(php) => print_php(php, upstreams, out),
        Handler::Proxy(proxy) => print_proxy(proxy, upstreams, out),
        Handler::Files(Files { root, index }) => {
            out.table("files", &[("root", quote(&path(root))), ("index", quote(index))]);
        }
        Handler::Redirect(Redirect { to, status }) => {
            out.table(
                "redirect",
                &[("to", quote(to)), ("status", status.as_u16().to_string())],
            );
        }
        Handler::Respond(Respond { status, body }) => {
            out.table(
                "respond",
                &[
                    ("status", status.as_u16().to_string()),
                    ("body", quote_bytes(body)),
                ],
            );
        }
        Handler::Status(Status { format, allow }) => {
            let allow = allow.iter().map(|network| quote(&network.to_string()));
            out.table("status", &[("format", name(*format)), ("allow", array(allow))]);
        }
    }
}

fn print_php(php: &Php, upstreams: &[Upstream], out: &mut Out) {
    let Php {
        upstream,
        root,
        remote_root,
        index,
        front_controller,
        suffix,
    } = php;
    let entries = [
        ("upstream", Some(quote(&upstreams[*upstream].name))),
        ("root", Some(quote(&path(root)))),
        ("remote_root", remote_root.as_ref().map(|root| quote(&path(root)))),
        ("index", Some(quote(index))),
        ("front_controller", front_controller.as_deref().map(quote)),
        ("suffix", Some(quote(suffix))),
    ];
    out.table("php", &present(entries));
}

fn print_proxy(proxy: &Proxy, upstreams: &[Upstream], out: &mut Out) {
    let Proxy {
        upstream,
        mount,
        script_filename,
        document_root,
    } = proxy;
    let entries = [
        ("upstream", Some(quote(&upstreams[*upstream].name))),
        ("mount", (!mount.is_empty()).then(|| quote(mount))),
        ("script_filename", script_filename.as_deref().map(quote)),
        ("document_root", document_root.as_deref().map(quote)),
    ];
    out.table("proxy", &present(entries));
}

fn print_limits(limits: &Limits, out: &mut Out) {
    let Limits {
        body,
        upload_rate,
        download_rate,
        rate_grace,
    } = *limits;
    out.table(
        "limits",
        &[
            ("body", quote(&Size(body).to_string())),
            ("upload_rate", quote(&Size(upload_rate).to_string())),
            ("download_rate", quote(&Size(download_rate).to_string())),
            ("rate_grace", period(rate_grace)),
        ],
    );
}

fn print_buffering(buffering: &Buffering, out: &mut Out) {
    let Buffering {
        request,
        response,
        memory,
        disk,
    } = *buffering;
    out.table(
        "buffering",
        &[
            ("request", request.to_string()),
            ("response", response.to_string()),
            ("memory", size(memory)),
            ("disk", quote(&Size(disk).to_string())),
        ],
    );
}

fn present<const N: usize>(entries: [(&'static str, Option<String>); N]) -> Vec<(&'static str, String)> {
    entries
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

/// Bytes that came from TOML, which is UTF-8.
fn quote_bytes(bytes: &[u8]) -> String {
    quote(&String::from_utf8_lossy(bytes))
}
