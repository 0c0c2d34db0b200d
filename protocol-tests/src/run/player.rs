//! Plays one case: steps in their order, all connections at once, one thread.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::serving::Serving;
use super::{Played, Verdict};
use crate::content::{Content, Scope};
use crate::expect::{Connection, Dialect, Expectation, Notes, Seen, Unmet};
use crate::net::{Link, Peer, pump};
use crate::notation::{Action, Case, Operation, Split, Step, Variant};
use crate::protocol::Protocol;
use crate::side::Side;
use crate::wire::{Answer, frame_words, last_request};

/// Plays a case in all its variants, up to the first that does not pass.
pub fn play(case: &Case, side: &dyn Side, scope: &Scope, limit: Duration) -> Played {
    let mut played = Played {
        verdict: Verdict::Pass(Vec::new()),
        observed: String::new(),
        transcript: Vec::new(),
    };
    let mut notes = Notes::new();
    for variant in &case.variants {
        for cut in cuts(variant, scope) {
            played = play_once(variant, cut, side, scope, limit);
            match &played.verdict {
                Verdict::Pass(more) => notes.extend(
                    more.iter()
                        .filter(|note| !notes.contains(note))
                        .cloned()
                        .collect::<Vec<_>>(),
                ),
                _ => return named(played, variant, cut),
            }
        }
    }
    played.verdict = Verdict::Pass(notes);
    played
}

/// Says in which variant a case failed.
fn named(mut played: Played, variant: &Variant, cut: Option<usize>) -> Played {
    let mut place = String::new();
    if let Some((name, value)) = &variant.binding {
        let _ = write!(place, "{name} = {}: ", value.escape_debug()); // a String takes everything
    }
    if let Some(cut) = cut {
        let _ = write!(place, "cut after {cut} bytes: ");
    }
    if let Verdict::Fail(why) | Verdict::Hang(why) | Verdict::Error(why) = &mut played.verdict {
        why.insert_str(0, &place);
    }
    played
}

/// The offsets at which `every-offset` cuts; one play without a cut where nothing asks for it.
fn cuts(variant: &Variant, scope: &Scope) -> Vec<Option<usize>> {
    let content = variant.steps.iter().find_map(|step| match &step.action {
        Action::Send {
            content,
            split: Split::EveryOffset,
            ..
        } => Some(content),
        _ => None,
    });
    let length = content
        .and_then(|content| content.encode(scope).ok())
        .map(|bytes| bytes.len());
    length.map_or(vec![None], |length| (1..length.max(2)).map(Some).collect())
}

fn play_once(
    variant: &Variant,
    cut: Option<usize>,
    side: &dyn Side,
    scope: &Scope,
    limit: Duration,
) -> Played {
    let mut scope = side.scope(scope);
    if let Some((name, value)) = &variant.binding {
        // A value of `for` may refer to others.
        let value = scope.expand(value).unwrap_or_else(|_| value.clone());
        scope = scope.with(name, value);
    }
    let mut player = Player {
        side,
        scope: &scope,
        limit,
        cut,
        connections: BTreeMap::new(),
        serving: Serving::default(),
        notes: Notes::new(),
    };
    let result = variant.steps.iter().try_for_each(|step| player.step(step));
    side.finish(&scope);
    let observed = player.observed();
    let transcript = if result.is_err() {
        player.transcript()
    } else {
        Vec::new()
    };
    let verdict = result.err().unwrap_or(Verdict::Pass(player.notes));
    Played {
        verdict,
        observed,
        transcript,
    }
}

/// A case under way.
struct Player<'a> {
    side: &'a dyn Side,
    scope: &'a Scope,
    limit: Duration,
    cut: Option<usize>,
    connections: BTreeMap<String, Connection>,
    serving: Serving,
    notes: Notes,
}

impl Player<'_> {
    /// Does one step; an error is the verdict.
    fn step(&mut self, step: &Step) -> Result<(), Verdict> {
        let name = step
            .on
            .clone()
            .unwrap_or_else(|| self.side.default_connection().to_owned());
        match &step.action {
            Action::Wait(time) => return self.pump_until(Instant::now() + *time),
            Action::Serve(content) => return self.serve(content),
            _ => {}
        }
        let about_contact =
            matches!(&step.action, Action::Expect { expectation, .. } if expectation.needs_no_connection());
        // While the application answers by itself, its connections come when they come.
        let awaited = self.serving.is_on() && name.starts_with(BACKEND);
        if !about_contact && !awaited {
            self.open(&name).map_err(|verdict| in_step(verdict, step))?;
        }
        let result = match &step.action {
            Action::Send {
                content,
                split,
                pause,
                aside,
            } => self.send(&name, content, split, *pause, *aside),
            Action::Expect {
                expectation,
                within,
                after,
            } => {
                let within = within.as_ref().map(|limit| limit.resolve(self.scope));
                match within.transpose() {
                    Ok(within) => self.expect(&name, expectation, within, *after),
                    Err(why) => Err(Verdict::Error(why)),
                }
            }
            Action::Do(operation) => {
                self.operate(&name, *operation);
                Ok(())
            }
            Action::Wait(_) | Action::Serve(_) => Ok(()),
        };
        result.map_err(|verdict| in_step(verdict, step))
    }

    fn open(&mut self, name: &str) -> Result<(), Verdict> {
        if self.connections.contains_key(name) {
            return Ok(());
        }
        let connection = self.side.open(name, self.scope, self.limit, &mut |until| {
            let mut links: Vec<_> = self
                .connections
                .values_mut()
                .map(|connection| &mut connection.link)
                .collect();
            pump(&mut links, until)
        });
        let connection = connection.map_err(|verdict| self.unreachable(verdict))?;
        self.connections.insert(name.to_owned(), connection);
        Ok(())
    }

    /// A target that could be reached before, and no longer, has failed the case.
    fn unreachable(&self, verdict: Verdict) -> Verdict {
        match verdict {
            Verdict::Error(why) if !self.connections.is_empty() => Verdict::Fail(why),
            other => other,
        }
    }

    fn send(
        &mut self,
        name: &str,
        content: &Content,
        split: &Split,
        pause: Duration,
        aside: bool,
    ) -> Result<(), Verdict> {
        let scope = self.scope_of(name);
        let pieces = self
            .pieces(content, split, &scope)
            .map_err(|missing| Verdict::Error(missing.to_string()))?;
        let deadline = Instant::now()
            + self
                .limit
                .max(pause * u32::try_from(pieces.len()).unwrap_or(u32::MAX));
        for (nth, piece) in pieces.iter().enumerate() {
            if nth > 0 && !pause.is_zero() {
                self.pump_until(Instant::now() + pause)?;
                // On a busy machine the pause alone does not keep two pieces out of one read.
                self.side.settle(Instant::now() + self.limit);
            }
            if !self.link(name)?.is_writable() {
                return Ok(()); // the peer is gone; what is expected later decides
            }
            self.link(name)?.send(piece);
            while !aside && self.link(name)?.is_sending() {
                if Instant::now() >= deadline {
                    return Err(Verdict::Hang("the peer does not read what is sent".to_owned()));
                }
                self.pump(deadline)?;
            }
        }
        Ok(())
    }

    fn serve(&mut self, content: &Content) -> Result<(), Verdict> {
        let answer = content.encode(self.scope);
        self.serving
            .start(answer.map_err(|missing| Verdict::Error(missing.to_string()))?);
        Ok(())
    }

    /// The scope for what is sent on a connection: an application answers under the id of the last request.
    fn scope_of(&self, name: &str) -> Cow<'_, Scope> {
        let connection = self.connections.get(name);
        let last = connection
            .filter(|connection| matches!(connection.dialect, Dialect::Requests(Protocol::FastCgi)))
            .and_then(|connection| last_request(connection.link.received()));
        match last {
            Some(request_id) => Cow::Owned(Scope {
                request_id,
                ..self.scope.clone()
            }),
            None => Cow::Borrowed(self.scope),
        }
    }

    fn pieces(
        &self,
        content: &Content,
        split: &Split,
        scope: &Scope,
    ) -> Result<Vec<Vec<u8>>, crate::content::Missing> {
        if *split == Split::Units {
            return content.units(scope);
        }
        let bytes = content.encode(scope)?;
        Ok(match split {
            Split::Every(size) => bytes.chunks(*size).map(<[u8]>::to_vec).collect(),
            Split::At(offsets) => cut_at(&bytes, offsets),
            Split::EveryOffset => cut_at(&bytes, self.cut.as_slice()),
            Split::Whole | Split::Units => vec![bytes],
        })
    }

    fn expect(
        &mut self,
        name: &str,
        expectation: &Expectation,
        within: Option<Duration>,
        after: Option<Duration>,
    ) -> Result<(), Verdict> {
        let start = Instant::now();
        if let Some(after) = after {
            // What a front end sends on may come when the client is gone already.
            let may_come = self.serving.is_on() || expectation.counts_connections();
            while Instant::now() < start + after && (may_come || !self.all_over()) {
                self.pump(start + after)?;
            }
        }
        let deadline = start
            + after.unwrap_or_default()
            + within.unwrap_or(if after.is_some() {
                Duration::ZERO
            } else {
                self.limit
            });
        loop {
            let waits = expectation.needs_no_connection() && !self.serving.is_on();
            if waits && self.side.contacted(self.scope) {
                self.open(BACKEND)?;
            }
            let unmet = match expectation.check(&self.seen(name)) {
                Ok(notes) => {
                    self.notes.extend(notes);
                    return Ok(());
                }
                Err(unmet) => unmet,
            };
            match unmet {
                Unmet::Never(why) => return Err(Verdict::Fail(why)),
                Unmet::Otherwise(why) if Instant::now() >= deadline => return Err(Verdict::Fail(why)),
                Unmet::Yet(why) if Instant::now() >= deadline => return Err(late(why, after)),
                // Nothing wakes us up when a front end connects.
                Unmet::Yet(_) | Unmet::Otherwise(_) if expectation.counts_connections() => {
                    self.pump(deadline.min(Instant::now() + SLICE))?;
                }
                Unmet::Yet(_) | Unmet::Otherwise(_) => self.pump(deadline)?,
            }
        }
    }

    fn seen<'s>(&'s self, name: &'s str) -> Seen<'s> {
        let seen = Seen::new(&self.connections, name, self.scope);
        seen.contacted(self.side.contacted(self.scope))
            .attempts(self.side.attempts(self.scope))
    }

    fn operate(&mut self, name: &str, operation: Operation) {
        let Some(connection) = self.connections.get_mut(name) else {
            return;
        };
        match operation {
            Operation::Connect => {}
            Operation::Refuse => self.side.refuse(self.scope),
            Operation::Deny => self.side.deny(self.scope),
            Operation::HalfClose => connection.link.half_close(),
            Operation::Close => connection.link.close(),
            Operation::Reset => connection.link.reset(),
            Operation::StopReading => connection.link.set_reading(false),
            Operation::Read => connection.link.set_reading(true),
        }
    }

    fn link(&mut self, name: &str) -> Result<&mut Link, Verdict> {
        let connection = self.connections.get_mut(name);
        connection
            .map(|connection| &mut connection.link)
            .ok_or_else(|| Verdict::Error(format!("{name} is not open")))
    }

    /// No connection can bring anything any more.
    fn all_over(&self) -> bool {
        self.connections
            .values()
            .all(|connection| connection.link.is_over())
    }

    fn pump_until(&mut self, until: Instant) -> Result<(), Verdict> {
        while Instant::now() < until {
            self.pump(until)?;
        }
        Ok(())
    }

    fn pump(&mut self, until: Instant) -> Result<(), Verdict> {
        let mut links: Vec<_> = self
            .connections
            .values_mut()
            .map(|connection| &mut connection.link)
            .collect();
        // Nothing wakes us up when a front end connects.
        let until = match self.serving.is_on() {
            true => until.min(Instant::now() + SLICE),
            false => until,
        };
        pump(&mut links, until).map_err(|error| Verdict::Error(format!("cannot poll: {error}")))?;
        self.serving.tend(&mut self.connections, self.side, self.scope);
        Ok(())
    }

    /// Every connection in words.
    fn observed(&self) -> String {
        let of_connection = |(name, connection): (&String, &Connection)| {
            let seen = Seen::new(&self.connections, name, self.scope);
            let mut words = match seen.frames() {
                Some(frames) => vec![frame_words(&frames)],
                None => answer_words(&seen.answers(false)),
            };
            if words.is_empty() {
                words.push(format!("{} bytes", connection.link.received().len()));
            }
            words.push(ending(&connection.link));
            let prefix = if self.connections.len() > 1 {
                format!("{name}: ")
            } else {
                String::new()
            };
            format!("{prefix}{}", words.join("; "))
        };
        self.connections
            .iter()
            .map(of_connection)
            .collect::<Vec<_>>()
            .join(" | ")
    }

    /// What went over the wire, in the order of time for each connection.
    fn transcript(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, connection) in &self.connections {
            let link = &connection.link;
            let mut events: Vec<(Duration, char, &[u8])> = link
                .sent()
                .iter()
                .map(|(at, bytes)| (*at, '>', bytes.as_slice()))
                .collect();
            let mut offset = 0;
            for (at, count) in link.arrivals() {
                events.push((
                    *at,
                    '<',
                    link.received().get(offset..offset + count).unwrap_or_default(),
                ));
                offset += count;
            }
            events.sort_by_key(|(at, ..)| *at);
            lines.extend(events.iter().take(SHOWN_EVENTS).map(|(at, way, bytes)| {
                let shown = bytes.get(..SHOWN_BYTES).unwrap_or(bytes).escape_ascii();
                format!(
                    "{name} {:9.6} {way} {:5} bytes {shown}",
                    at.as_secs_f64(),
                    bytes.len()
                )
            }));
            lines.push(format!("{name} {}", ending(link)));
        }
        lines
    }
}

/// The first answers, and how many more there are.
fn answer_words(answers: &[Answer]) -> Vec<String> {
    let word = |answer: &Answer| match answer.id {
        0 | 1 => answer.words(),
        id => format!("id {id}: {}", answer.words()),
    };
    let mut words: Vec<String> = answers.iter().take(SHOWN).map(word).collect();
    if answers.len() > SHOWN {
        words.push(format!("{} answers more", answers.len() - SHOWN));
    }
    words
}

fn late(why: String, after: Option<Duration>) -> Verdict {
    if after.is_some() {
        Verdict::Fail(why)
    } else {
        Verdict::Hang(why)
    }
}

fn in_step(mut verdict: Verdict, step: &Step) -> Verdict {
    if let Verdict::Fail(why) | Verdict::Hang(why) = &mut verdict {
        let note = step
            .note
            .as_ref()
            .map_or_else(String::new, |note| format!(", {note}"));
        let _ = write!(why, " (line {}{note})", step.line); // a String takes everything
    }
    verdict
}

fn ending(link: &Link) -> String {
    let after = link
        .ended()
        .map_or_else(String::new, |time| format!(" after {:.1} s", time.as_secs_f64()));
    match link.peer() {
        Peer::Open => "open".to_owned(),
        Peer::Fin => format!("closed{after}"),
        Peer::Reset => format!("reset{after}"),
    }
}

fn cut_at(bytes: &[u8], offsets: &[usize]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for offset in offsets {
        let offset = (*offset).clamp(start, bytes.len());
        pieces.push(bytes[start..offset].to_vec());
        start = offset;
    }
    pieces.push(bytes[start..].to_vec());
    pieces
}

const SLICE: Duration = Duration::from_millis(5); // between two looks for a connection
const BACKEND: &str = "backend"; // the first connection of the front end
const SHOWN: usize = 3; // answers of a connection in a report
const SHOWN_EVENTS: usize = 40; // pieces of a connection in a transcript
const SHOWN_BYTES: usize = 160; // bytes of a piece in a transcript
