//! The one handler of a route.

use bytes::Bytes;
use http::StatusCode;

use super::{field, path};
use crate::config::complaints::Complaints;
use crate::config::file::{self, At, Route, Section};
use crate::config::suggest;
use crate::frontend::config::{Files, Handler, Php, Proxy, Redirect, Respond};
use crate::upstream::Config as Upstream;
use crate::upstream::config::ProtocolName;

/// The handler of a route; `None` when it has none or too many.
pub(super) fn check(
    route: &Section<Route>,
    prefix: &str,
    upstreams: &[Upstream],
    complaints: &mut Complaints,
) -> Option<Handler> {
    if !is_single(route, complaints) {
        return None;
    }
    let mut check = Check {
        upstreams,
        complaints,
    };
    None.or_else(|| {
        route
            .php
            .as_ref()
            .and_then(|typed| check.php(typed))
            .map(Handler::Php)
    })
    .or_else(|| {
        route
            .proxy
            .as_ref()
            .and_then(|typed| check.proxy(typed, prefix))
            .map(Handler::Proxy)
    })
    .or_else(|| {
        route
            .files
            .as_ref()
            .map(|typed| Handler::Files(check.files(typed)))
    })
    .or_else(|| {
        route
            .redirect
            .as_ref()
            .map(|typed| Handler::Redirect(check.redirect(typed)))
    })
    .or_else(|| {
        route
            .respond
            .as_ref()
            .map(|typed| Handler::Respond(check.respond(typed)))
    })
}

fn is_single(route: &Section<Route>, complaints: &mut Complaints) -> bool {
    let all = [
        ("php", route.php.as_ref().map(Section::span)),
        ("proxy", route.proxy.as_ref().map(Section::span)),
        ("files", route.files.as_ref().map(Section::span)),
        ("redirect", route.redirect.as_ref().map(Section::span)),
        ("respond", route.respond.as_ref().map(Section::span)),
    ];
    let present: Vec<_> = all
        .iter()
        .filter_map(|(name, span)| Some((name, span.clone()?)))
        .collect();
    match present.as_slice() {
        [_] => return true,
        [] if complaints.is_whole(route.span()) => {
            complaints
                .error(route.span(), "the route has no handler")
                .help(format!("add one of {}", suggest::list(all.map(|(name, _)| name))));
        }
        [] => {}
        [(one, first), (two, second), ..] => {
            complaints
                .error(
                    second.clone(),
                    format!("the route has more than one handler: `{one}` and `{two}`"),
                )
                .related(first.clone(), "the other")
                .help("make it two routes");
        }
    }
    false
}

/// What checking a handler needs.
struct Check<'a> {
    upstreams: &'a [Upstream],
    complaints: &'a mut Complaints,
}

impl Check<'_> {
    fn php(&mut self, typed: &Section<file::Php>) -> Option<Php> {
        let upstream = self.upstream(typed, typed.upstream.as_ref());
        let root = self.required(typed, "root", typed.root.as_ref(), "root = \"/srv/www\"");
        let root = root.map(|root| path::absolute(root, "the document root", self.complaints));
        if let Some(index) = upstream.filter(|index| self.speaks_http(*index)) {
            let message = format!(
                "PHP does not run behind the upstream `{}`, which speaks http",
                self.upstreams[index].name
            );
            let place = typed.upstream.as_ref().map_or(typed.span(), At::span);
            self.complaints
                .error(place, message)
                .help("use proxy = { upstream = … }");
        }
        let suffix = typed
            .suffix
            .as_ref()
            .map_or_else(|| ".php".to_owned(), |suffix| self.suffix(suffix));
        let php = Php {
            front_controller: typed
                .front_controller
                .as_ref()
                .map(|script| self.script(script, &suffix)),
            remote_root: typed
                .remote_root
                .as_ref()
                .map(|root| path::absolute(root, "the remote document root", self.complaints)),
            index: self.index(typed.index.as_ref(), "index.php"),
            upstream: upstream?,
            root: root?,
            suffix,
        };
        Some(php)
    }

    fn proxy(&mut self, typed: &Section<file::Proxy>, prefix: &str) -> Option<Proxy> {
        let upstream = self.upstream(typed, typed.upstream.as_ref());
        let proxy = Proxy {
            mount: typed
                .mount
                .as_ref()
                .map(|mount| self.mount(mount, prefix))
                .unwrap_or_default(),
            script_filename: typed
                .script_filename
                .as_ref()
                .map(|script| path::absolute_text(script, "the script", self.complaints)),
            document_root: typed
                .document_root
                .as_ref()
                .map(|root| path::absolute_text(root, "the document root", self.complaints)),
            upstream: upstream?,
        };
        if self.speaks_http(proxy.upstream) {
            return Some(self.without_variables(typed, proxy.upstream));
        }
        Some(proxy)
    }

    fn files(&mut self, typed: &Section<file::Files>) -> Files {
        let root = self.required(typed, "root", typed.root.as_ref(), "root = \"/srv/www/static\"");
        Files {
            root: root
                .map(|root| path::absolute(root, "the directory", self.complaints))
                .unwrap_or_default(),
            index: self.index(typed.index.as_ref(), "index.html"),
        }
    }

    fn redirect(&mut self, typed: &Section<file::Redirect>) -> Redirect {
        let to = self.required(typed, "to", typed.to.as_ref(), "to = \"https://www.example\"");
        if let Some(to) = to {
            self.target(to);
        }
        let status = typed.status.as_ref().map_or(302, |status| status.0);
        if let (Some(typed), 304..=306) = (&typed.status, status) {
            self.complaints
                .error(typed.span(), format!("{status} is not a redirect"))
                .help("write 301, 302, 303, 307 or 308");
        }
        Redirect {
            to: to.map(|to| to.to_string()).unwrap_or_default(),
            status: code(status),
        }
    }

    fn respond(&mut self, typed: &Section<file::Respond>) -> Respond {
        let status = typed.status.as_ref().map_or(200, |status| status.0);
        let body = typed.body.as_ref().filter(|body| !body.is_empty());
        if let (Some(body), 204 | 205 | 304) = (body, status) {
            self.complaints
                .error(body.span(), format!("an answer with status {status} has no body"));
        }
        Respond {
            status: code(status),
            body: body.map(|body| Bytes::from(body.to_string())).unwrap_or_default(),
        }
    }

    /// The index of the upstream with the typed name.
    fn upstream<T>(&mut self, table: &Section<T>, typed: Option<&At<String>>) -> Option<usize> {
        let name = self.required(table, "upstream", typed, "upstream = \"NAME\"")?;
        let found = self.upstreams.iter().position(|upstream| upstream.name == **name);
        if found.is_none() {
            let known = || self.upstreams.iter().map(|upstream| upstream.name.as_str());
            let help = match suggest::nearest(name, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if self.upstreams.is_empty() => format!("add a table [upstream.{}]", **name),
                None => format!("there are {}", suggest::list(known())),
            };
            self.complaints
                .error(name.span(), format!("there is no upstream `{}`", **name))
                .help(help);
        }
        found
    }

    /// A key that cannot be left out.
    fn required<'a, T>(
        &mut self,
        table: &Section<T>,
        key: &str,
        typed: Option<&'a At<String>>,
        example: &str,
    ) -> Option<&'a At<String>> {
        if typed.is_none() && self.complaints.is_whole(table.span()) {
            self.complaints
                .error(table.span(), format!("`{key}` is missing"))
                .help(format!("add {example}"));
        }
        typed
    }

    fn index(&mut self, typed: Option<&At<String>>, default: &str) -> String {
        let Some(typed) = typed else {
            return default.to_owned();
        };
        if typed.is_empty() || typed.contains(['/', '\0']) || typed.starts_with('.') {
            self.complaints
                .error(typed.span(), "not the name of a file in a directory")
                .help(format!("write a name without slashes, such as \"{default}\""));
        }
        typed.to_string()
    }

    fn suffix(&mut self, typed: &At<String>) -> String {
        if typed.len() < 2 || !typed.starts_with('.') || typed.contains(['/', '\0']) {
            self.complaints
                .error(typed.span(), "not a suffix of scripts")
                .help("write it with its dot: \".php\"");
        }
        typed.to_string()
    }

    fn script(&mut self, typed: &At<String>, suffix: &str) -> String {
        let odd = |segment: &str| matches!(segment, "" | "." | "..");
        if !typed.starts_with('/') || typed.contains('\0') || typed.split('/').skip(1).any(odd) {
            self.complaints
                .error(typed.span(), "not the path of a script below the document root")
                .help("write it as in a URL, from the root on: \"/index.php\"");
        } else if !typed.ends_with(suffix) {
            self.complaints.warning(
                typed.span(),
                format!("the front controller does not end with the suffix `{suffix}`"),
            );
        }
        typed.to_string()
    }

    /// A mount without the slash at its end; empty at the root.
    fn mount(&mut self, typed: &At<String>, prefix: &str) -> String {
        let mount = typed.trim_end_matches('/');
        let below = |path: &str| match path.strip_prefix(mount) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        };
        if !(mount.is_empty() || below(prefix)) {
            self.complaints
                .error(
                    typed.span(),
                    format!("the path of the route, `{prefix}`, does not begin with the mount"),
                )
                .help("the mount is the part of the path that the application does not see as its own");
        }
        mount.to_owned()
    }

    fn target(&mut self, typed: &At<String>) {
        let url = ["http://", "https://"].iter().any(|scheme| {
            typed
                .strip_prefix(scheme)
                .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        });
        let plain = |byte: u8| matches!(byte, b'!'..=b'~');
        if !(url || typed.starts_with('/')) || !typed.bytes().all(plain) {
            self.complaints
                .error(typed.span(), "not a target for a redirect")
                .help("write \"https://host/path\" or \"/path\", with %-escapes for special characters");
        }
        field::refuse_variables(typed, self.complaints);
    }

    fn speaks_http(&self, upstream: usize) -> bool {
        self.upstreams
            .get(upstream)
            .is_some_and(|upstream| upstream.protocol == ProtocolName::Http)
    }

    /// HTTP has no variables to say the rest with.
    fn without_variables(&mut self, typed: &file::Proxy, upstream: usize) -> Proxy {
        let keys = [
            ("mount", &typed.mount),
            ("script_filename", &typed.script_filename),
            ("document_root", &typed.document_root),
        ];
        for (key, typed) in keys {
            if let Some(typed) = typed {
                let message = format!("`{key}` has no effect on an upstream that speaks http");
                self.complaints.warning(typed.span(), message);
            }
        }
        Proxy {
            upstream,
            mount: String::new(),
            script_filename: None,
            document_root: None,
        }
    }
}

/// A status that is within its range by its type.
fn code(status: u32) -> StatusCode {
    u16::try_from(status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::OK)
}
