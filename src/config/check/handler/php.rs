//! `php`.

use super::Check;
use crate::config::check::path;
use crate::config::file::{self, At, Section};
use crate::frontend::config::Php;

impl Check<'_> {
    pub(super) fn php(&mut self, typed: &Section<file::Php>) -> Option<Php> {
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
}
