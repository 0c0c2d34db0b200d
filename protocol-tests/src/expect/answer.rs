//! What an answer must be like.

use serde_json::Value;

use super::{Matcher, Notes, Seen, Unmet};
use crate::content::Scope;
use crate::notation::{Complaint, Node};
use crate::wire::Answer;

/// Conditions on one answer.
#[derive(Clone, Debug)]
pub struct AnswerPattern {
    /// Whether it must be complete.
    whole: bool,
    /// Counted from 1.
    nth: usize,
    id: u16,
    /// Ranges of permitted statuses; empty: any.
    status: Vec<(u16, u16)>,
    valid_head: Option<bool>,
    header: Vec<(String, Matcher)>,
    body: Option<Matcher>,
    json: Vec<(String, Matcher)>,
    stdout: Option<Matcher>,
    stderr: Option<Matcher>,
    stdout_end: Option<bool>,
    stderr_end: Option<bool>,
    app_status: Option<u32>,
    protocol_status: u8,
    complete: Option<bool>,
    bodyless: bool,
}

impl AnswerPattern {
    pub(super) fn read(node: &Node<'_>, whole: bool) -> Result<Self, Complaint> {
        let mut table = node.table()?;
        let mut matcher = |key| table.take(key).map(|node| Matcher::read(&node)).transpose();
        let (body, stdout, stderr) = (matcher("body")?, matcher("stdout")?, matcher("stderr")?);
        let mut named = |key| table.take(key).map_or(Ok(Vec::new()), |node| read_named(&node));
        let (header, json) = (named("header")?, named("json")?);
        let pattern = Self {
            whole,
            nth: table.integer("nth")?.unwrap_or(1),
            id: table.integer("id")?.unwrap_or(1),
            status: table
                .take("status")
                .map_or(Ok(Vec::new()), |node| read_statuses(&node))?,
            valid_head: table.boolean("valid_head")?,
            header,
            body,
            json,
            stdout,
            stderr,
            stdout_end: table.boolean("stdout_end")?,
            stderr_end: table.boolean("stderr_end")?,
            app_status: table.integer("app_status")?,
            protocol_status: table.integer("protocol_status")?.unwrap_or(0),
            complete: table.boolean("complete")?,
            bodyless: table.boolean("bodyless")?.unwrap_or_default(),
        };
        table.finish()?;
        Ok(pattern)
    }

    pub(super) fn check(&self, seen: &Seen<'_>) -> Result<Notes, Unmet> {
        let answers = seen.answers(self.bodyless);
        // Only FastCGI has ids; the answers of other protocols have 0.
        let mut same = answers
            .iter()
            .filter(|answer| answer.id == self.id || seen.has_no_ids());
        let Some(answer) = same.nth(self.nth.saturating_sub(1)) else {
            return Err(seen.unmet(self.missing(&answers)));
        };
        if self.whole && !answer.complete {
            return Err(seen.unmet(format!("the answer has not ended: {}", answer.words())));
        }
        let result = self.check_one(answer, seen.scope());
        let settled = answer.complete || seen.is_over();
        result.map(|()| Notes::new()).map_err(|why| {
            if settled {
                Unmet::Never(why)
            } else {
                Unmet::Yet(why)
            }
        })
    }

    fn missing(&self, answers: &[Answer]) -> String {
        let wanted = match (self.nth, self.id) {
            (1, 1) => "no answer".to_owned(),
            (1, id) => format!("no answer for id {id}"),
            (nth, id) => format!("no answer number {nth} for id {id}"),
        };
        match answers.first() {
            Some(first) => format!(
                "{wanted}; the first of {}, for id {}: {}",
                answers.len(),
                first.id,
                first.words()
            ),
            None => wanted,
        }
    }

    fn check_one(&self, answer: &Answer, scope: &Scope) -> Result<(), String> {
        self.check_end(answer)?;
        self.check_head(answer, scope)?;
        self.check_json(answer, scope)?;
        let parts = [
            ("body", &self.body, &answer.body),
            ("stdout", &self.stdout, &answer.stdout),
            ("stderr", &self.stderr, &answer.stderr),
        ];
        for (name, matcher, value) in parts {
            let Some(matcher) = matcher else { continue };
            matcher
                .check(value, scope)
                .map_err(|why| format!("{name} is {why}"))?;
        }
        Ok(())
    }

    fn check_end(&self, answer: &Answer) -> Result<(), String> {
        if let Some(end) = answer.end {
            let wrong_status = self.app_status.is_some_and(|wanted| wanted != end.app_status);
            if end.protocol_status != self.protocol_status || wrong_status {
                return Err(format!(
                    "END_REQUEST has {}/{}",
                    end.app_status, end.protocol_status
                ));
            }
        } else if self.app_status.is_some() {
            return Err("there is no END_REQUEST".to_owned());
        }
        let flags = [
            ("an empty STDOUT record", self.stdout_end, answer.stdout_ended),
            ("an empty STDERR record", self.stderr_end, answer.stderr_ended),
            ("the announced end", self.complete, answer.complete),
        ];
        match flags
            .iter()
            .find(|(_, wanted, found)| wanted.is_some_and(|wanted| wanted != *found))
        {
            Some((name, _, true)) => Err(format!("there is {name}")),
            Some((name, _, false)) => Err(format!("{name} is missing")),
            None => Ok(()),
        }
    }

    fn check_head(&self, answer: &Answer, scope: &Scope) -> Result<(), String> {
        if let Some(wanted) = self.valid_head
            && wanted != answer.status().is_some()
        {
            return Err(answer.words());
        }
        let fits = |(low, high): &(u16, u16)| {
            answer
                .status()
                .is_some_and(|status| (*low..=*high).contains(&status))
        };
        if !self.status.is_empty() && !self.status.iter().any(fits) {
            return Err(answer.words());
        }
        for (name, matcher) in &self.header {
            let Some(Ok(head)) = &answer.head else {
                return Err(answer.words());
            };
            let values: Vec<_> = head.values(name).collect();
            matcher.check_all(name, &values, scope)?;
        }
        Ok(())
    }

    fn check_json(&self, answer: &Answer, scope: &Scope) -> Result<(), String> {
        if self.json.is_empty() {
            return Ok(());
        }
        let Ok(Value::Object(object)) = serde_json::from_slice(&answer.body) else {
            return Err(format!("the body is no JSON object; {}", answer.words()));
        };
        for (name, matcher) in &self.json {
            let text = object
                .get(name)
                .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            let values: Vec<_> = text.iter().map(String::as_bytes).collect();
            matcher.check_all(name, &values, scope)?;
        }
        Ok(())
    }
}

/// A status, a class like `"4xx"`, or a list of them.
fn read_statuses(node: &Node<'_>) -> Result<Vec<(u16, u16)>, Complaint> {
    if node.is_array() {
        let lists: Result<Vec<_>, _> = node.items()?.iter().map(read_statuses).collect();
        return Ok(lists?.concat());
    }
    if node.is_integer() {
        return node.integer().map(|status| vec![(status, status)]);
    }
    let classes = [("2xx", 200), ("3xx", 300), ("4xx", 400), ("5xx", 500)];
    let first = match classes
        .iter()
        .any(|(name, _)| node.string().is_ok_and(|text| text == *name))
    {
        true => node.one_of(&classes)?,
        false => return node.integer().map(|status| vec![(status, status)]),
    };
    Ok(vec![(first, first + 99)])
}

fn read_named(node: &Node<'_>) -> Result<Vec<(String, Matcher)>, Complaint> {
    node.entries()?
        .into_iter()
        .map(|(name, node)| Ok((name, Matcher::read(&node)?)))
        .collect()
}
