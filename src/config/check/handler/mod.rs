//! The one handler of a route.

mod answer;
mod php;
mod proxy;

use crate::config::complaints::Complaints;
use crate::config::file::{At, Route, Section};
use crate::config::suggest;
use crate::frontend::config::Handler;
use crate::upstream::Config as Upstream;
use crate::upstream::model::config::ProtocolName;

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
    if let Some(typed) = &route.php {
        return check.php(typed).map(Handler::Php);
    }
    if let Some(typed) = &route.proxy {
        return check.proxy(typed, prefix).map(Handler::Proxy);
    }
    if let Some(typed) = &route.files {
        return Some(Handler::Files(check.files(typed)));
    }
    if let Some(typed) = &route.redirect {
        return Some(Handler::Redirect(check.redirect(typed)));
    }
    if let Some(typed) = &route.respond {
        return Some(Handler::Respond(check.respond(typed)));
    }
    route
        .status
        .as_ref()
        .map(|typed| Handler::Status(check.status(typed)))
}

fn is_single(route: &Section<Route>, complaints: &mut Complaints) -> bool {
    let all = [
        ("php", route.php.as_ref().map(Section::span)),
        ("proxy", route.proxy.as_ref().map(Section::span)),
        ("files", route.files.as_ref().map(Section::span)),
        ("redirect", route.redirect.as_ref().map(Section::span)),
        ("respond", route.respond.as_ref().map(Section::span)),
        ("status", route.status.as_ref().map(Section::span)),
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

    fn speaks_http(&self, upstream: usize) -> bool {
        self.upstreams
            .get(upstream)
            .is_some_and(|upstream| upstream.protocol == ProtocolName::Http)
    }
}
