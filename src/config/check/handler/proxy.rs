//! `proxy`.

use super::Check;
use crate::config::check::path;
use crate::config::file::{self, At, Section};
use crate::frontend::config::Proxy;

impl Check<'_> {
    pub(super) fn proxy(&mut self, typed: &Section<file::Proxy>, prefix: &str) -> Option<Proxy> {
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
