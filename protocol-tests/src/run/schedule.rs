//! Which cases are played, and when.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::{Outcome, Verdict, play};
use crate::content::Scope;
use crate::known::Known;
use crate::notation::{Case, Level};
use crate::side::Side;

/// Everything about a run but the cases and the target.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Ids or beginnings of ids; empty: all.
    pub only: Vec<String>,
    /// The lowest level that is played.
    pub level: Level,
    /// Whether cases are played that can kill or wedge the target.
    pub intrusive: bool,
    /// How many are played at once.
    pub jobs: NonZeroUsize,
    /// How long a step waits.
    pub limit: Duration,
    /// What the target can do.
    pub provides: Vec<String>,
    /// Deviations that are known.
    pub known: Known,
}

impl Plan {
    /// Whether the case is asked for at all.
    pub fn selects(&self, case: &Case) -> bool {
        let named = self.only.is_empty() || self.only.iter().any(|prefix| case.id.starts_with(prefix));
        named && case.level <= self.level
    }

    /// Why the case is not played, although it is asked for.
    pub fn skips(&self, case: &Case) -> Option<String> {
        let missing: Vec<_> = case
            .needs
            .iter()
            .filter(|need| !self.provides.contains(need))
            .cloned()
            .collect();
        if !missing.is_empty() {
            return Some(format!("needs {}", missing.join(", ")));
        }
        if case.intrusive && !self.intrusive {
            return Some("intrusive".to_owned());
        }
        let by_name = case.by_name && !self.only.contains(&case.id);
        by_name.then(|| format!("only with --only {}", case.id))
    }
}

/// Plays the cases that the plan selects. `each` gets every outcome as it comes; the result is in the order of the
/// cases. Cases that must be alone come last, and so do intrusive ones: what they break, breaks no other case.
///
/// Once the target is gone, no further case begins. What was in flight then and did not pass has no verdict: which of
/// these cases ended the target cannot be told.
pub fn run(
    cases: &[Case],
    side: &dyn Side,
    scope: &Scope,
    plan: &Plan,
    mut each: impl FnMut(&Outcome),
) -> Vec<Outcome> {
    let selected: Vec<&Case> = cases.iter().filter(|case| plan.selects(case)).collect();
    let (alone, together): (Vec<_>, Vec<_>) = (0..selected.len()).partition(|at| selected[*at].is_alone());
    let mut outcomes = Vec::new();
    for (indices, jobs) in [(together, plan.jobs.get()), (alone, 1)] {
        let queue = Mutex::new(indices.into_iter());
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|threads| {
            for _ in 0..jobs {
                let (queue, sender, selected) = (&queue, sender.clone(), &selected);
                threads.spawn(move || {
                    while !side.is_gone()
                        && let Some(at) = next(queue)
                    {
                        let mut outcome = one(selected[at], side, scope, plan);
                        if outcome.verdict.is_bad() {
                            side.look();
                        }
                        if outcome.verdict.is_bad() && side.is_gone() {
                            outcome.suspend();
                        }
                        // The receiver outlives this scope.
                        let _ = sender.send((at, outcome));
                    }
                });
            }
            drop(sender);
            for (at, outcome) in receiver {
                each(&outcome);
                outcomes.push((at, outcome));
            }
        });
    }
    outcomes.sort_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

pub(super) fn next(queue: &Mutex<std::vec::IntoIter<usize>>) -> Option<usize> {
    // Nothing panics while it holds the lock.
    queue.lock().map_or(None, |mut queue| queue.next())
}

pub(super) fn one(case: &Case, side: &dyn Side, scope: &Scope, plan: &Plan) -> Outcome {
    let start = Instant::now();
    let scope = scope.clone().with("case", &case.id);
    let (verdict, observed, transcript) = match plan.skips(case) {
        Some(why) => (Verdict::Skip(why), String::new(), Vec::new()),
        None => {
            let played = play(case, side, &scope, plan.limit);
            (played.verdict, played.observed, played.transcript)
        }
    };
    Outcome {
        id: case.id.clone(),
        title: case.title.clone(),
        spec: case.spec.clone(),
        why: case.why.clone(),
        place: case.place.clone(),
        level: case.level,
        known: plan.known.reason(&case.id, &verdict),
        varies: plan.known.varies(&case.id),
        verdict,
        observed,
        took: start.elapsed(),
        transcript,
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use super::*;
    use crate::expect::Connection;
    use crate::notation::{File, SideName, Suite};
    use crate::protocol::Protocol;

    /// Counts the plays that are under way.
    #[derive(Default)]
    struct Counter {
        now: Mutex<usize>,
        /// At the start of each play of a case that wants to be alone.
        beside: Mutex<Vec<usize>>,
    }

    impl Side for Counter {
        fn default_connection(&self) -> &'static str {
            "a"
        }

        fn scope(&self, scope: &Scope) -> Scope {
            let mut now = self.now.lock().expect("unpoisoned");
            if scope.values.get("case").is_some_and(|id| id == "B") {
                self.beside.lock().expect("unpoisoned").push(*now);
            }
            *now += 1;
            scope.clone()
        }

        fn finish(&self, _scope: &Scope) {
            *self.now.lock().expect("unpoisoned") -= 1;
        }

        fn open(
            &self,
            _name: &str,
            _scope: &Scope,
            _limit: Duration,
            _pump: &mut dyn FnMut(Instant) -> io::Result<()>,
        ) -> Result<Connection, Verdict> {
            Err(Verdict::Error("there is nobody".to_owned()))
        }
    }

    /// Three cases that take a while; the second must be alone.
    fn cases() -> Vec<Case> {
        let case = |id, more| {
            format!(
                "[[case]]\nid = \"{id}\"\ntitle = \"t\"\nspec = \"s\"\nlevel = \"must\"\nwhy = \"w\"\n{more}\
                 step = [{{ wait = \"20ms\" }}]\n"
            )
        };
        let text = "protocol = \"http\"\nside = \"server\"\n".to_owned()
            + &case("A", "")
            + &case("B", "alone = true\n")
            + &case("C", "");
        let path = "cases/http/server/x.toml".to_owned();
        let suite = Suite::read(&[File { path, text }], Protocol::Http, SideName::Server);
        suite
            .unwrap_or_else(|complaints| panic!("{}", complaints[0]))
            .cases
    }

    #[test]
    fn a_case_that_must_be_alone_is_played_when_all_others_are_over() {
        let side = Counter::default();
        let plan = Plan {
            only: Vec::new(),
            level: Level::RealWorld,
            intrusive: false,
            jobs: NonZeroUsize::new(3).expect("not zero"),
            limit: Duration::from_secs(1),
            provides: Vec::new(),
            known: Known::default(),
        };
        let outcomes = run(&cases(), &side, &Scope::new(Protocol::Http), &plan, |_| {});
        assert!(outcomes.iter().all(|outcome| outcome.word() == "pass"));
        assert_eq!(*side.beside.lock().expect("unpoisoned"), [0]);
    }
}
