//! Which route answers: the most specific host, then the most specific path, then the one with more conditions, and
//! only then the one that stands first.
//!
//! Hosts: an exact one, the longest `*.`, patterns in their order, all hosts. Paths, as in nginx: an exact one; patterns in
//! their order and the longest suffix, unless the longest prefix forbids that (`^~`); the longest prefix. Where no rule of
//! a host has a path, the next host's are asked.

use std::collections::HashMap;
use std::sync::Arc;

use super::condition::{Conditional, When};
use super::config::{Host, Path, Route};
use super::pattern::Pattern;
use super::rule::is_below;
use crate::protocol::authority::canonical;

/// Routes, sorted for looking up. `R` is whatever a route became at run time.
#[derive(Debug)]
pub struct Router<R> {
    /// Whether any route names a host.
    by_host: bool,
    exact: HashMap<String, Rules<R>>,
    /// Longest suffix first.
    suffixes: Vec<(String, Rules<R>)>,
    /// In the order of the configuration.
    patterns: Vec<(Pattern, Rules<R>)>,
    any: Rules<R>,
    /// Those that only other routes lead to.
    named: HashMap<String, Arc<R>>,
}

/// A request, as far as routes ask.
pub trait Asked: Conditional {
    /// Its host without port, in any spelling.
    fn host(&self) -> &[u8];
}

/// The routes of one host.
#[derive(Debug)]
struct Rules<R> {
    /// The prefixes, longest first, if there is nothing else.
    plain: Vec<Prefix<R>>,
    /// All of them in the order in which they are asked, if there is.
    ordered: Vec<Rule<R>>,
}

/// A prefix without conditions.
#[derive(Debug)]
struct Prefix<R> {
    /// Without a slash at its end.
    path: Box<[u8]>,
    route: Arc<R>,
}

#[derive(Debug)]
struct Rule<R> {
    path: Path,
    when: When,
    route: Arc<R>,
}

impl<R> Router<R> {
    /// A router over `routes`, each made from its configuration.
    pub fn new(routes: Vec<(&Route, Arc<R>)>) -> Self {
        let mut router = Self {
            by_host: routes.iter().any(|(config, _)| !config.host.is_empty()),
            exact: HashMap::new(),
            suffixes: Vec::new(),
            patterns: Vec::new(),
            any: Rules::default(),
            named: HashMap::new(),
        };
        for (config, route) in routes {
            router.add(config, &route);
        }
        router.sort();
        router
    }

    fn add(&mut self, config: &Route, route: &Arc<R>) {
        if let Path::Named(name) = &config.path {
            self.named.insert(name.clone(), route.clone());
            return;
        }
        let rule = || Rule {
            path: config.path.clone(),
            when: config.when.clone(),
            route: route.clone(),
        };
        for host in &config.host {
            self.rules(host).ordered.push(rule());
        }
        if config.host.is_empty() {
            self.any.ordered.push(rule());
        }
    }

    /// The rules of a host.
    fn rules(&mut self, host: &Host) -> &mut Rules<R> {
        match host {
            Host::Exact(name) => self.exact.entry(name.clone()).or_default(),
            Host::Suffix(suffix) => among(&mut self.suffixes, suffix),
            Host::Pattern(pattern) => among(&mut self.patterns, pattern),
        }
    }

    fn sort(&mut self) {
        let suffixes = self.suffixes.iter_mut().map(|(_, rules)| rules);
        let patterns = self.patterns.iter_mut().map(|(_, rules)| rules);
        let of_hosts = self.exact.values_mut().chain(suffixes).chain(patterns);
        of_hosts.chain([&mut self.any]).for_each(Rules::sort);
        self.suffixes
            .sort_by_key(|(suffix, _)| std::cmp::Reverse(suffix.len()));
    }

    /// The route for a path in normal form. What else there is of the request is asked only where a route does.
    #[inline]
    pub fn find(&self, request: &impl Asked, path: &[u8]) -> Option<&Arc<R>> {
        let by_host = match self.by_host {
            false => None,
            true => self.find_by_host(request, path),
        };
        by_host.or_else(|| self.any.find(request, path))
    }

    fn find_by_host(&self, request: &impl Asked, path: &[u8]) -> Option<&Arc<R>> {
        let host = canonical(std::str::from_utf8(request.host()).ok()?);
        let exact = self.exact.get(&host).and_then(|rules| rules.find(request, path));
        exact.or_else(|| {
            let mut others = self.others(&host);
            others.find_map(|rules| rules.find(request, path))
        })
    }

    /// The rules of the hosts that are none exactly, in their order.
    fn others(&self, host: &str) -> impl Iterator<Item = &Rules<R>> {
        let ends = |suffix: &str| host.len() > suffix.len() && host.ends_with(suffix);
        let suffixes = self.suffixes.iter().filter(move |(suffix, _)| ends(suffix));
        let matches = |pattern: &Pattern| pattern.is_match(host.as_bytes());
        let patterns = self.patterns.iter().filter(move |(pattern, _)| matches(pattern));
        suffixes
            .map(|(_, rules)| rules)
            .chain(patterns.map(|(_, rules)| rules))
    }

    /// Every route that would do, in the order in which they are asked: the first one is [found](Self::find).
    pub fn candidates(&self, request: &impl Asked, path: &[u8]) -> Vec<&Arc<R>> {
        let host = std::str::from_utf8(request.host())
            .map(canonical)
            .unwrap_or_default();
        let of_host = self.exact.get(&host).into_iter().chain(self.others(&host));
        let rules = of_host.chain([&self.any]);
        rules.flat_map(|rules| rules.candidates(request, path)).collect()
    }

    /// The route of that name.
    pub fn named(&self, name: &str) -> Option<&Arc<R>> {
        self.named.get(name)
    }
}

fn among<'a, K: PartialEq + Clone, R>(known: &'a mut Vec<(K, Rules<R>)>, key: &K) -> &'a mut Rules<R> {
    let at = match known.iter().position(|(other, _)| other == key) {
        Some(at) => at,
        None => {
            known.push((key.clone(), Rules::default()));
            known.len() - 1
        }
    };
    &mut known[at].1
}

impl<R> Default for Rules<R> {
    fn default() -> Self {
        Self {
            plain: Vec::new(),
            ordered: Vec::new(),
        }
    }
}

impl<R> Rules<R> {
    fn sort(&mut self) {
        self.ordered
            .sort_by_key(|rule| (rank(&rule.path), std::cmp::Reverse(rule.when.count())));
        let is_plain = |rule: &Rule<R>| matches!(rule.path, Path::Prefix(_)) && rule.when.is_empty();
        if self.ordered.iter().all(is_plain) {
            self.plain = self.ordered.drain(..).map(Prefix::from).collect();
        }
    }

    #[inline]
    fn find(&self, request: &impl Asked, path: &[u8]) -> Option<&Arc<R>> {
        let mut plain = self.plain.iter();
        match plain.find(|prefix| is_below(path, &prefix.path)) {
            None if !self.ordered.is_empty() => self.first(request, path),
            found => found.map(|prefix| &prefix.route),
        }
    }

    fn first(&self, request: &impl Asked, path: &[u8]) -> Option<&Arc<R>> {
        let mut matching = self.ordered.iter().filter(|rule| rule.is_for(request, path));
        let first = matching.next()?;
        let firm = match &first.path {
            Path::Exact(_) | Path::Prefix(_) | Path::FirmPrefix(_) => None,
            _ => matching
                .find(|rule| rule.is_prefix())
                .filter(|rule| rule.is_firm()),
        };
        Some(&firm.unwrap_or(first).route)
    }

    fn candidates(&self, request: &impl Asked, path: &[u8]) -> Vec<&Arc<R>> {
        let plain = self.plain.iter().filter(|prefix| is_below(path, &prefix.path));
        let mut all: Vec<_> = plain.map(|prefix| &prefix.route).collect();
        let ordered = self.ordered.iter().filter(|rule| rule.is_for(request, path));
        all.extend(ordered.map(|rule| &rule.route));
        if let Some(first) = self.first(request, path) {
            all.retain(|route| !Arc::ptr_eq(route, first));
            all.insert(0, first);
        }
        all
    }
}

impl<R> From<Rule<R>> for Prefix<R> {
    fn from(rule: Rule<R>) -> Self {
        let path = rule.path.prefix();
        Self {
            path: path.strip_suffix('/').unwrap_or(path).as_bytes().into(),
            route: rule.route,
        }
    }
}

impl<R> Rule<R> {
    fn is_for(&self, request: &impl Asked, path: &[u8]) -> bool {
        self.path.has(path) && (self.when.is_empty() || self.when.holds(request))
    }

    fn is_prefix(&self) -> bool {
        matches!(self.path, Path::Prefix(_) | Path::FirmPrefix(_))
    }

    fn is_firm(&self) -> bool {
        matches!(self.path, Path::FirmPrefix(_))
    }
}

/// The place of a path among others: kinds, and within some of them the longest first.
fn rank(path: &Path) -> (u8, std::cmp::Reverse<usize>) {
    let (kind, length) = match path {
        Path::Exact(_) => (0, 0),
        Path::Pattern(_) => (1, 0),
        Path::Suffix(suffix) => (2, suffix.len()),
        Path::Prefix(prefix) | Path::FirmPrefix(prefix) => (3, prefix.len()),
        Path::Named(_) => (4, 0),
    };
    (kind, std::cmp::Reverse(length))
}

#[cfg(test)]
mod tests;
