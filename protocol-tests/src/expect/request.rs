//! What a front end must have sent.

use super::matcher::{contains, show};
use super::{Dialect, Matcher, Notes, Seen, Unmet};
use crate::content::{Content, Scope};
use crate::notation::{Complaint, Node};
use crate::wire::Request;

/// Conditions on the request on a connection of the front end.
#[derive(Clone, Debug)]
pub struct RequestPattern {
    /// Counted from 1.
    nth: usize,
    vars: Vec<(String, Matcher)>,
    absent: Vec<String>,
    /// SCRIPT_NAME and PATH_INFO together.
    path: Option<Matcher>,
    /// In no name and in no value.
    nowhere: Vec<Content>,
    /// In no variable but those that are made of header fields.
    only_in_fields: Vec<Content>,
    once: bool,
    /// Names have no other characters than A-Z, 0-9 and `_`.
    plain_names: bool,
    body: Option<Matcher>,
    complete: Option<bool>,
    id: Option<u16>,
    role: Option<u16>,
    keep: Option<bool>,
    aborted: Option<bool>,
    whole_pairs: Option<bool>,
    plain_ends: Option<bool>,
    max_record: Option<usize>,
    max_params: Option<usize>,
    length_first: Option<bool>,
    modifier1: Option<u8>,
    modifier2: Option<u8>,
}

impl RequestPattern {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, Complaint> {
        let mut table = node.table()?;
        let vars = table.take("vars").map_or(Ok(Vec::new()), |node| node.entries())?;
        let pattern = Self {
            nth: table.integer("nth")?.unwrap_or(1),
            vars: vars
                .into_iter()
                .map(|(name, node)| Ok((name, Matcher::read(&node)?)))
                .collect::<Result<_, _>>()?,
            absent: table.strings("absent")?,
            path: table.take("path").map(|node| Matcher::read(&node)).transpose()?,
            nowhere: table
                .take("nowhere")
                .map_or(Ok(Vec::new()), |node| read_all(&node))?,
            only_in_fields: table
                .take("only_in_fields")
                .map_or(Ok(Vec::new()), |node| read_all(&node))?,
            plain_names: table.boolean("plain_names")?.unwrap_or_default(),
            once: table.boolean("once")?.unwrap_or_default(),
            body: table.take("body").map(|node| Matcher::read(&node)).transpose()?,
            complete: table.boolean("complete")?,
            id: table.integer("id")?,
            role: table.integer("role")?,
            keep: table.boolean("keep")?,
            aborted: table.boolean("aborted")?,
            whole_pairs: table.boolean("whole_pairs")?,
            plain_ends: table.boolean("plain_ends")?,
            max_record: table.integer("max_record")?,
            max_params: table.integer("max_params")?,
            length_first: table.boolean("length_first")?,
            modifier1: table.integer("modifier1")?,
            modifier2: table.integer("modifier2")?,
        };
        table.finish()?;
        Ok(pattern)
    }

    pub(super) fn check(&self, seen: &Seen<'_>) -> Result<Notes, Unmet> {
        let Some(Dialect::Requests(protocol)) = seen.dialect() else {
            return Err(Unmet::Yet("there is no request of the front end".to_owned()));
        };
        let Some(request) = Request::nth(protocol, seen.bytes(), self.nth) else {
            return Err(seen.unmet(format!("there is no request number {}", self.nth)));
        };
        if !request.has_vars {
            return Err(seen.unmet("the variables have not all arrived".to_owned()));
        }
        self.check_vars(&request, seen.scope()).map_err(Unmet::Never)?;
        self.check_numbers(&request).map_err(Unmet::Never)?;
        // The rest may still arrive.
        self.check_body(&request, seen.scope())
            .map_err(|why| seen.unmet(why))?;
        Ok(Notes::new())
    }

    fn check_vars(&self, request: &Request, scope: &Scope) -> Result<(), String> {
        for (name, matcher) in &self.vars {
            let values: Vec<_> = request.values(name).collect();
            matcher.check_all(name, &values, scope)?;
        }
        if let Some(name) = self
            .absent
            .iter()
            .find(|name| request.values(name).next().is_some())
        {
            return Err(format!("{name} is there"));
        }
        if let Some(matcher) = &self.path {
            matcher
                .check(&request.path(), scope)
                .map_err(|why| format!("SCRIPT_NAME and PATH_INFO are {why}"))?;
        }
        self.check_nowhere(request, scope)?;
        let mut names: Vec<_> = request.vars.iter().map(|(name, _)| name).collect();
        names.sort();
        match names.windows(2).find(|pair| self.once && pair[0] == pair[1]) {
            Some(pair) => Err(format!("{} is there twice", pair[0].escape_ascii())),
            None => Ok(()),
        }
    }

    fn check_nowhere(&self, request: &Request, scope: &Scope) -> Result<(), String> {
        let plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
        for (name, value) in &request.vars {
            if self.plain_names && !name.iter().all(plain) {
                return Err(format!("there is a variable {}", show(name)));
            }
            let fields = if name.starts_with(b"HTTP_") {
                &[][..]
            } else {
                &self.only_in_fields
            };
            for content in self.nowhere.iter().chain(fields) {
                let bytes = content.encode(scope).map_err(|missing| missing.to_string())?;
                if contains(name, &bytes) || contains(value, &bytes) {
                    return Err(format!("{} has {}", show(name), show(&bytes)));
                }
            }
        }
        Ok(())
    }

    fn check_numbers(&self, request: &Request) -> Result<(), String> {
        let flags = [
            ("keep", self.keep, request.keep),
            ("whole_pairs", self.whole_pairs, request.whole_pairs),
            ("plain_ends", self.plain_ends, request.plain_ends),
            ("length_first", self.length_first, request.length_first),
        ];
        if let Some((name, ..)) = flags
            .iter()
            .find(|(_, wanted, found)| wanted.is_some_and(|wanted| wanted != *found))
        {
            return Err(format!("{name} is otherwise"));
        }
        let lengths = [
            ("a record", self.max_record, request.longest_record),
            (
                "a PARAMS record with its padding",
                self.max_params,
                request.longest_params,
            ),
        ];
        if let Some((what, _, found)) = lengths
            .iter()
            .find(|(_, most, found)| most.is_some_and(|most| *found > most))
        {
            return Err(format!("{what} has {found} bytes"));
        }
        let numbers = [
            ("id", self.id, request.id),
            ("role", self.role, request.role),
            (
                "modifier1",
                self.modifier1.map(u16::from),
                request.modifiers.0.into(),
            ),
            (
                "modifier2",
                self.modifier2.map(u16::from),
                request.modifiers.1.into(),
            ),
        ];
        let wrong = numbers
            .iter()
            .find(|(_, wanted, found)| wanted.is_some_and(|wanted| wanted != *found));
        wrong.map_or(Ok(()), |(name, _, found)| Err(format!("{name} is {found}")))
    }

    fn check_body(&self, request: &Request, scope: &Scope) -> Result<(), String> {
        if let Some(matcher) = &self.body {
            matcher
                .check(&request.body, scope)
                .map_err(|why| format!("the body is {why}"))?;
        }
        let flags = [
            ("whole", self.complete, request.complete),
            ("aborted", self.aborted, request.aborted),
        ];
        let wrong = flags
            .iter()
            .find(|(_, wanted, found)| wanted.is_some_and(|wanted| wanted != *found));
        wrong.map_or(Ok(()), |(name, _, found)| {
            Err(if *found {
                format!("the request is {name}")
            } else {
                format!("the request is not {name}")
            })
        })
    }
}

fn read_all(node: &Node<'_>) -> Result<Vec<Content>, Complaint> {
    node.items()?.iter().map(Content::read).collect()
}
