//! Which route answers: the most specific host, then the longest path.

use std::collections::HashMap;
use std::sync::Arc;

use super::config::{Host, Route};
use crate::files::path::split_at_prefix;
use crate::protocol::authority::canonical;

/// Routes, sorted for looking up. `R` is whatever a route became at run time.
#[derive(Debug)]
pub struct Router<R> {
    exact: HashMap<String, Vec<Rule<R>>>,
    /// Longest suffix first.
    suffixes: Vec<(String, Vec<Rule<R>>)>,
    any: Vec<Rule<R>>,
}

#[derive(Debug)]
struct Rule<R> {
    path: String,
    route: Arc<R>,
}

impl<R> Router<R> {
    /// A router over `routes`, each made from its configuration.
    pub fn new(routes: Vec<(&Route, Arc<R>)>) -> Self {
        let mut router = Self {
            exact: HashMap::new(),
            suffixes: Vec::new(),
            any: Vec::new(),
        };
        for (config, route) in routes {
            let rule = Rule {
                path: config.path.clone(),
                route,
            };
            match &config.host {
                Some(Host::Exact(name)) => router.exact.entry(name.clone()).or_default().push(rule),
                Some(Host::Suffix(suffix)) => router.suffix(suffix).push(rule),
                None => router.any.push(rule),
            }
        }
        let all = router
            .exact
            .values_mut()
            .chain(router.suffixes.iter_mut().map(|(_, rules)| rules));
        all.chain([&mut router.any])
            .for_each(|rules| rules.sort_by_key(|rule| std::cmp::Reverse(rule.path.len())));
        router
            .suffixes
            .sort_by_key(|(suffix, _)| std::cmp::Reverse(suffix.len()));
        router
    }

    /// The route for a path in normal form on a host (without port, in any spelling). Which host that is is asked only
    /// where a route does.
    pub fn find<'h>(&self, host: impl FnOnce() -> &'h [u8], path: &[u8]) -> Option<&Arc<R>> {
        let by_host = match self.exact.is_empty() && self.suffixes.is_empty() {
            true => None,
            false => self.by_host(host(), path),
        };
        by_host.or_else(|| longest(&self.any, path))
    }

    fn by_host(&self, host: &[u8], path: &[u8]) -> Option<&Arc<R>> {
        let host = canonical(std::str::from_utf8(host).ok()?);
        let exact = self.exact.get(&host).and_then(|rules| longest(rules, path));
        exact.or_else(|| {
            let matching = self
                .suffixes
                .iter()
                .filter(|(suffix, _)| host.len() > suffix.len() && host.ends_with(suffix));
            matching.filter_map(|(_, rules)| longest(rules, path)).next()
        })
    }

    fn suffix(&mut self, suffix: &str) -> &mut Vec<Rule<R>> {
        let at = match self.suffixes.iter().position(|(known, _)| known == suffix) {
            Some(at) => at,
            None => {
                self.suffixes.push((suffix.to_owned(), Vec::new()));
                self.suffixes.len() - 1
            }
        };
        &mut self.suffixes[at].1
    }
}

/// The first match: rules are sorted, longest path first.
fn longest<'a, R>(rules: &'a [Rule<R>], path: &[u8]) -> Option<&'a Arc<R>> {
    rules
        .iter()
        .find(|rule| split_at_prefix(path, &rule.path).is_some())
        .map(|rule| &rule.route)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::StatusCode;

    use super::*;
    use crate::frontend::config::{Buffering, Handler, Limits, Respond, ResponseHeaders};

    fn route(host: Option<Host>, path: &str) -> Route {
        Route {
            host,
            path: path.into(),
            client: None,
            handler: Handler::Respond(Respond {
                status: StatusCode::OK,
                body: Bytes::new(),
            }),
            limits: Limits::default(),
            buffering: Buffering::default(),
            params: Arc::from([]),
            headers: ResponseHeaders::default(),
            compress: None,
            pass_headers: Vec::new(),
            ignore_client_abort: false,
            slow: None,
        }
    }

    #[test]
    fn the_most_specific_host_then_the_longest_path() {
        let exact = Some(Host::Exact("shop.example".into()));
        let suffix = |text: &str| Some(Host::Suffix(text.into()));
        let routes = [
            route(None, "/"),
            route(None, "/api"),
            route(exact.clone(), "/"),
            route(exact, "/admin/"),
            route(suffix(".example"), "/"),
            route(suffix(".shop.example"), "/"),
            route(suffix(".example"), "/api"),
        ];
        let router = Router::new(
            routes
                .iter()
                .enumerate()
                .map(|(at, route)| (route, Arc::new(at)))
                .collect(),
        );
        let find = |host: &str, path: &str| {
            router
                .find(|| host.as_bytes(), path.as_bytes())
                .map(|route| **route)
        };
        assert_eq!(find("other.test", "/x"), Some(0));
        assert_eq!(find("other.test", "/api/x"), Some(1));
        assert_eq!(find("other.test", "/apix"), Some(0));
        assert_eq!(find("Shop.Example", "/"), Some(2));
        assert_eq!(find("shop.example", "/admin"), Some(3));
        assert_eq!(find("a.example", "/"), Some(4));
        assert_eq!(find("a.shop.example", "/"), Some(5));
        assert_eq!(find("a.example", "/api"), Some(6));
        assert_eq!(find(".example", "/"), Some(0));
        assert_eq!(find("shop.example", ""), Some(2), "the root");
    }
}
