//! One order, from the wish to the certificate (RFC 8555, section 7.1.6): a state machine without input and output.
//!
//! [`next`](Order::next) says what is to be done, and what came of it is told with [`replied`](Order::replied),
//! [`published`](Order::published) and [`waited`](Order::waited). What has to outlive the process is the [`Record`]: what
//! drives the order writes it before each step. The record has no more of the state than where the order is: how far
//! it is, the directory knows. So an order that was left at any step is gone on with in the same way: by looking at it.
//!
//! An order that a directory has made, and of which we were not told any more, is found in the list of the account where
//! the directory has one; others give the same order again to a client that asks for the same.

mod record;
mod reply;

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, is_token};
use super::failure::{Cause, Failure};
use super::http::Reply;
use super::message::{self, Authorization, Identifier, Orders, Status};
pub(super) use record::{Record, Terms};
use reply::{LONGEST, accepted, is_about_replacing, is_unable, read, senseless};

/// What is to be done next.
#[derive(Debug)]
pub(super) enum Step<'a> {
    /// A signed request is to be sent; its answer is told with [`Order::replied`].
    Send { url: &'a str, payload: Option<Value> },
    /// The directory is to find this; then [`Order::published`].
    Publish(&'a Answer),
    /// Nothing, for a while; then [`Order::waited`].
    Wait(Duration),
    /// There is a certificate: the chain, as PEM.
    Issued(&'a str),
    /// There is none, and nothing is left behind at the directory. Asked for once.
    Failed(Failure),
}

/// An order under way.
pub(super) struct Order {
    pub(super) record: Record,
    terms: Terms,
    stage: Stage,
    /// Authorizations that were pending when they were seen last.
    pending: Vec<String>,
    /// Challenges whose answers were said to be there.
    said: Vec<String>,
    /// How often the same was looked at.
    looks: u32,
    /// How long the directory wants us to wait before the next look.
    pause: Option<Duration>,
    /// How often the same was sent because the directory was not able to answer.
    tries: u32,
}

/// How far it is.
#[derive(Debug)]
enum Stage {
    /// Another process may have asked for it: the orders of the account are looked at, from the last one on.
    Find {
        list: Option<String>,
        candidates: Vec<String>,
    },
    New,
    /// The order is looked at.
    Look(String),
    /// An authorization is, and behind it the rest of them.
    Authorize {
        url: String,
        rest: Vec<String>,
    },
    /// What its challenge is answered with is to be found, which then is said.
    Publish {
        authorization: String,
        challenge: Ask,
        rest: Vec<String>,
    },
    Answer {
        authorization: String,
        challenge: Ask,
        rest: Vec<String>,
    },
    Finalize(String),
    Fetch {
        url: String,
        best: Option<String>,
        alternates: Vec<String>,
    },
    /// Later, this again.
    Pause(Duration, Box<Stage>),
    Issued(String),
    /// What is left behind is given up.
    Abandon(Failure),
    Failed(Option<Failure>),
}

/// A challenge.
#[derive(Debug)]
struct Ask {
    url: String,
    answer: Answer,
    /// It was said already that its answer is there.
    said: bool,
}

impl Order {
    /// One that begins, or goes on.
    pub(super) fn new(record: Record, terms: Terms, is_begun: bool) -> Self {
        let stage = match (&record.url, &terms.orders) {
            (Some(url), _) => Stage::Look(url.clone()),
            (None, Some(list)) if is_begun => Stage::Find {
                list: Some(list.clone()),
                candidates: Vec::new(),
            },
            (None, _) => Stage::New,
        };
        Self {
            record,
            terms,
            stage,
            pending: Vec::new(),
            said: Vec::new(),
            looks: 0,
            pause: None,
            tries: 0,
        }
    }

    /// What is to be done.
    pub(super) fn next(&mut self) -> Step<'_> {
        let payload = self.payload();
        match &mut self.stage {
            Stage::Find { list, candidates } => Step::Send {
                url: list
                    .as_deref()
                    .or(candidates.last().map(String::as_str))
                    .unwrap_or_default(),
                payload,
            },
            Stage::New => Step::Send {
                url: &self.terms.new_order,
                payload,
            },
            Stage::Look(url)
            | Stage::Authorize { url, .. }
            | Stage::Finalize(url)
            | Stage::Fetch { url, .. }
            | Stage::Answer {
                challenge: Ask { url, .. },
                ..
            } => Step::Send { url, payload },
            Stage::Publish { challenge, .. } => Step::Publish(&challenge.answer),
            Stage::Pause(time, _) => Step::Wait(*time),
            Stage::Issued(chain) => Step::Issued(chain),
            Stage::Abandon(_) => Step::Send {
                url: self.pending.last().map_or("", String::as_str),
                payload,
            },
            Stage::Failed(failure) => Step::Failed(failure.take().unwrap_or_else(|| senseless("told twice"))),
        }
    }

    /// What is sent where the stage leads; `None`: POST-as-GET.
    fn payload(&self) -> Option<Value> {
        match &self.stage {
            Stage::New => Some(self.wish()),
            Stage::Answer { .. } => Some(json!({})),
            Stage::Finalize(_) => Some(json!({ "csr": self.terms.csr })),
            Stage::Abandon(_) => Some(json!({ "status": "deactivated" })),
            _ => None,
        }
    }

    fn wish(&self) -> Value {
        let mut wish = json!({ "identifiers": [Identifier::of(&self.record.name)] });
        if let Some(profile) = &self.record.profile {
            wish["profile"] = profile.as_str().into();
        }
        if let Some(replaces) = &self.record.replaces {
            wish["replaces"] = replaces.as_str().into();
        }
        wish
    }

    /// What is to be found is there.
    pub(super) fn published(&mut self) {
        self.stage = match self.take() {
            Stage::Publish {
                authorization,
                challenge,
                rest,
            } if challenge.said => Stage::Authorize {
                url: authorization,
                rest,
            },
            Stage::Publish {
                authorization,
                challenge,
                rest,
            } => Stage::Answer {
                authorization,
                challenge,
                rest,
            },
            stage => stage,
        };
    }

    /// The time is over.
    pub(super) fn waited(&mut self) {
        self.stage = match self.take() {
            Stage::Pause(_, next) => *next,
            stage => stage,
        };
    }

    /// What is to be found cannot be put there, or the disk fails.
    pub(super) fn fail(&mut self, cause: impl Into<Failure>) {
        let failure = cause.into();
        self.stage = match self.pending.is_empty() {
            true => Stage::Failed(Some(failure)),
            false => Stage::Abandon(failure),
        };
    }

    /// What the directory answered.
    pub(super) fn replied(&mut self, reply: &Reply) {
        let stage = self.take();
        if is_unable(reply) && self.tries < TRIES && !matches!(stage, Stage::Abandon(_)) {
            self.tries += 1;
            let pause = reply
                .retry_after
                .unwrap_or(Duration::from_secs(5 * u64::from(self.tries)));
            self.stage = Stage::Pause(pause, Box::new(stage));
            return;
        }
        self.tries = 0;
        self.pause = reply.retry_after;
        match self.advance(stage, reply) {
            Ok(stage) => self.stage = stage,
            Err(failure) => self.fail(failure),
        }
    }

    fn advance(&mut self, stage: Stage, reply: &Reply) -> Result<Stage, Failure> {
        match stage {
            Stage::Find { list, candidates } => self.find(list.is_some(), candidates, reply),
            Stage::New => self.made(reply),
            Stage::Look(_) => self.consider(&read(reply, "to look at the order")?),
            Stage::Authorize { url, rest } => self.authorize(url, rest, reply),
            Stage::Answer {
                authorization,
                challenge,
                rest,
            } => {
                accepted(reply, "the answer to the challenge")?;
                self.said.push(challenge.url);
                self.looks = 0;
                Ok(self.later(Stage::Authorize {
                    url: authorization,
                    rest,
                }))
            }
            Stage::Finalize(_) => self.finalized(reply),
            Stage::Fetch { best, alternates, .. } => self.fetched(best, alternates, reply),
            Stage::Abandon(failure) => {
                // Whatever the directory says to it: more cannot be done.
                self.pending.pop();
                Ok(match self.pending.is_empty() {
                    true => Stage::Failed(Some(failure)),
                    false => Stage::Abandon(failure),
                })
            }
            stage => Ok(stage),
        }
    }

    /// Among the orders of the account, one for the same that is not over.
    fn find(&mut self, is_list: bool, mut candidates: Vec<String>, reply: &Reply) -> Result<Stage, Failure> {
        if is_list {
            // A list that cannot be had finds nothing.
            let listed: Orders = read(reply, "the list of orders").unwrap_or_default();
            let skipped = listed.orders.len().saturating_sub(CANDIDATES);
            candidates = listed.orders.into_iter().skip(skipped).collect();
        } else {
            let url = candidates.pop().unwrap_or_default();
            if let Ok(order) = read::<message::Order>(reply, "to look at an order")
                && order.identifiers == [Identifier::of(&self.record.name)]
                && matches!(order.status, Status::Pending | Status::Ready)
            {
                self.record.url = Some(url);
                return self.consider(&order);
            }
        }
        Ok(match candidates.is_empty() {
            true => Stage::New,
            false => Stage::Find {
                list: None,
                candidates,
            },
        })
    }

    fn made(&mut self, reply: &Reply) -> Result<Stage, Failure> {
        if !reply.is_good() && self.record.replaces.is_some() && is_about_replacing(&reply.problem()) {
            self.record.replaces = None;
            return Ok(Stage::New);
        }
        let order: message::Order = read(reply, "the order")?;
        let url = reply.location.clone();
        self.record.url = Some(url.ok_or_else(|| senseless("an order without a Location"))?);
        self.consider(&order)
    }

    /// What is to be done with an order as it is now.
    fn consider(&mut self, order: &message::Order) -> Result<Stage, Failure> {
        let url = self.record.url.clone().unwrap_or_default();
        match order.status {
            Status::Pending => {
                let mut all = order.authorizations.iter().cloned();
                let first = all
                    .next()
                    .ok_or_else(|| senseless("an order without authorizations"))?;
                Ok(Stage::Authorize {
                    url: first,
                    rest: all.collect(),
                })
            }
            Status::Ready => {
                self.looks = 0;
                Ok(Stage::Finalize(order.finalize.clone()))
            }
            Status::Processing => self.again("the certificate", Stage::Look(url)),
            Status::Valid => Ok(Stage::Fetch {
                url: order
                    .certificate
                    .clone()
                    .ok_or_else(|| senseless("a valid order without a certificate"))?,
                best: None,
                alternates: Vec::new(),
            }),
            Status::Invalid | Status::Other => Err(Cause::Refused {
                asked: "the order",
                problem: Box::new(order.error.clone().unwrap_or_default()),
            }
            .into()),
        }
    }

    fn authorize(&mut self, url: String, mut rest: Vec<String>, reply: &Reply) -> Result<Stage, Failure> {
        let authorization: Authorization = read(reply, "to look at the authorization")?;
        self.pending.retain(|pending| *pending != url);
        match authorization.status {
            Status::Valid if rest.is_empty() => {
                let order = self.record.url.clone().unwrap_or_default();
                self.again("the authorizations", Stage::Look(order))
            }
            Status::Valid => Ok(Stage::Authorize {
                url: rest.remove(0),
                rest,
            }),
            Status::Pending => {
                self.pending.push(url.clone());
                self.challenge(url, rest, &authorization)
            }
            _ => Err(self.refused(&authorization)),
        }
    }

    /// What is to be done for an authorization that is pending.
    fn challenge(&mut self, url: String, rest: Vec<String>, of: &Authorization) -> Result<Stage, Failure> {
        let wanted = self.record.challenge;
        let mut offered = of.challenges.iter();
        let Some(challenge) = offered.find(|challenge| challenge.kind == wanted.as_str()) else {
            let offered: Vec<_> = of
                .challenges
                .iter()
                .map(|challenge| challenge.kind.as_str())
                .collect();
            return Err(Cause::NotOffered {
                challenge: wanted.as_str(),
                name: self.record.name.clone(),
                offered: offered.join(", "),
            }
            .into());
        };
        if !is_token(challenge.token.as_bytes()) {
            return Err(senseless("a challenge whose token is none"));
        }
        let answer = Answer {
            kind: wanted,
            name: of.identifier.value.clone(),
            token: challenge.token.clone(),
            authorization: format!("{}.{}", challenge.token, self.terms.thumbprint),
        };
        // Many directories leave it pending while they look.
        let said = challenge.status != Status::Pending || self.said.contains(&challenge.url);
        if self.record.answers.contains(&answer) && said {
            return self.again("the challenge", Stage::Authorize { url, rest });
        }
        // Written before anything can be found of it: what is left by a process that was killed is cleared by the next one.
        if !self.record.answers.contains(&answer) {
            self.record.answers.push(answer.clone());
        }
        Ok(Stage::Publish {
            authorization: url,
            challenge: Ask {
                url: challenge.url.clone(),
                answer,
                said,
            },
            rest,
        })
    }

    /// What the directory has found instead of the answer.
    fn refused(&self, authorization: &Authorization) -> Failure {
        let mut problems = authorization
            .challenges
            .iter()
            .filter_map(|challenge| challenge.error.as_ref());
        Cause::Challenge {
            challenge: self.record.challenge.as_str(),
            name: authorization.identifier.value.clone(),
            problem: Box::new(problems.next().cloned().unwrap_or_default()),
        }
        .into()
    }

    fn finalized(&mut self, reply: &Reply) -> Result<Stage, Failure> {
        if !reply.is_good() && reply.problem().word() == "orderNotReady" {
            // It was finalized before, or is not ready yet: looking tells.
            let url = self.record.url.clone().unwrap_or_default();
            return self.again("the order", Stage::Look(url));
        }
        self.consider(&read(reply, "the request for the certificate")?)
    }

    /// The chain that is wanted, or else the first one.
    fn fetched(
        &mut self,
        best: Option<String>,
        mut alternates: Vec<String>,
        reply: &Reply,
    ) -> Result<Stage, Failure> {
        accepted(reply, "the certificate")?;
        let chain =
            String::from_utf8(reply.body.to_vec()).map_err(|_| senseless("a certificate that is no text"))?;
        let Some(wanted) = &self.terms.preferred_chain else {
            return Ok(Stage::Issued(chain));
        };
        if super::pem::has_issuer(&chain, wanted) {
            return Ok(Stage::Issued(chain));
        }
        if best.is_none() {
            let links = reply.links.iter().filter(|(relation, _)| relation == "alternate");
            alternates = links.map(|(_, url)| url.clone()).rev().take(ALTERNATES).collect();
        }
        let best = best.unwrap_or(chain);
        Ok(match alternates.pop() {
            Some(url) => Stage::Fetch {
                url,
                best: Some(best),
                alternates,
            },
            None => Stage::Issued(best),
        })
    }

    /// Looks again, as long as there is time.
    fn again(&mut self, what: &'static str, stage: Stage) -> Result<Stage, Failure> {
        self.looks += 1;
        match self.looks > LOOKS {
            true => Err(Cause::Late(what).into()),
            false => Ok(self.later(stage)),
        }
    }

    fn later(&self, stage: Stage) -> Stage {
        let usual = PAUSES.get(self.looks as usize).or(PAUSES.last());
        let usual = Duration::from_millis(usual.copied().unwrap_or_default());
        let pause = self.pause.unwrap_or(usual).min(LONGEST);
        Stage::Pause(pause, Box::new(stage))
    }

    fn take(&mut self) -> Stage {
        std::mem::replace(&mut self.stage, Stage::Failed(None))
    }
}

/// Looks at something that takes its time: some five minutes of them.
const LOOKS: u32 = 35;

/// Milliseconds between them, where the directory does not say.
const PAUSES: [u64; 8] = [250, 250, 500, 1000, 2000, 3000, 5000, 10_000];

/// Times that the same is sent to a directory that is not able to answer.
const TRIES: u32 = 3;

/// Orders of the account that are looked at, from the last one on.
const CANDIDATES: usize = 10;

/// Chains that are looked at.
const ALTERNATES: usize = 8;

#[cfg(test)]
mod tests;
