//! Routes with the same rule.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Route;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::frontend::config::{Host, Path, When};

/// What makes a route another one: a host, its path, and its conditions.
#[derive(PartialEq, Eq)]
struct Rule {
    host: Option<Host>,
    path: Path,
    when: When,
}

impl Rule {
    /// The rules of a route: one for each of its hosts.
    fn of(typed: &Route) -> Vec<Self> {
        let mut when = When::default();
        if let Some(typed) = &typed.when {
            typed.apply_to(&mut when);
        }
        let rule = |host: Option<&Host>| Self {
            host: host.cloned(),
            path: typed.path.as_deref().cloned().unwrap_or_default(),
            when: when.clone(),
        };
        match typed.host.as_deref() {
            Some(hosts) => hosts.iter().map(|host| rule(Some(host))).collect(),
            None => vec![rule(None)],
        }
    }

    fn text(&self) -> String {
        self.host.as_ref().map(Host::to_text).unwrap_or_default() + &self.path.to_text()
    }
}

/// Complains about routes that no request comes to, since another one has the same rule.
pub(super) fn refuse(typed: &[At<Route>], complaints: &mut Complaints) {
    let mut seen: Vec<(Rule, Range<usize>)> = Vec::new();
    let mut by_text: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    // What was not understood of a rule may be what makes it another one.
    let whole = typed.iter().filter(|typed| !complaints.is_damaged(typed.span()));
    for typed in whole.collect::<Vec<_>>() {
        let place = typed.path.as_ref().map_or(typed.span(), At::span);
        for rule in Rule::of(typed) {
            let alike = by_text.entry(rule.text()).or_default();
            if let Some(first) = alike
                .iter()
                .map(|at| &seen[*at])
                .find(|(other, _)| *other == rule)
            {
                complaints
                    .error(
                        place.clone(),
                        format!("there is a route for `{}` already", rule.text()),
                    )
                    .related(first.1.clone(), "here");
                continue;
            }
            alike.push(seen.len());
            seen.push((rule, place.clone()));
        }
    }
}
