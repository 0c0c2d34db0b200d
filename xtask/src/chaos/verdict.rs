//! What is demanded of every case, whatever the fault.

use super::comparison::Comparison;
use super::damage::Damage;
use super::sample::Sample;
use super::tally::{Tally, Words};

/// Every demand that was not met, in words; none is a pass.
///
/// Wrong bodies, lost answers and second executions are never right. A refusal of a request that could have been sent
/// again is never right either, for in every case a worker lives or comes back within the time that requests are
/// held. What remains is what nobody can repair: at most as much of it may be seen as the fault itself can have done.
pub(crate) fn violations(tally: &Tally, damage: &Damage, ordinary: &[Sample]) -> Vec<String> {
    let mut violations = Vec::new();
    let mut demand = |count: usize, most: usize, what: &str| {
        if count > most {
            let limit = if most > 0 {
                format!(", at most {most} may be")
            } else {
                String::new()
            };
            violations.push(format!("{count} {what}{limit}"));
        }
    };
    demand(tally.wrong, 0, "wrong bodies");
    demand(tally.lost, 0, "lost answers");
    demand(tally.duplicates, 0, "second executions");
    demand(tally.unexecuted, 0, "answers without an execution");
    demand(
        sum(&tally.repeatable),
        0,
        "errors although the request was repeatable",
    );
    demand(
        sum(&tally.executed) + tally.cut,
        damage.interrupted,
        "exchanges broken",
    );
    demand(sum(&tally.timed_out), damage.unanswered, "deadlines passed");
    violations.extend(damage.complaints.iter().cloned());
    let slower = |phases| Comparison::of(phases, ordinary).violation();
    violations.extend(damage.phases.iter().filter_map(slower));
    violations
}

fn sum(words: &Words) -> usize {
    words.values().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(count: usize) -> Words {
        Words::from([("backend_closed".to_owned(), count)])
    }

    #[test]
    fn what_the_fault_can_have_done_is_allowed() {
        let tally = Tally {
            executed: words(2),
            cut: 1,
            ..Tally::default()
        };
        assert!(violations(&tally, &Damage::interrupted(3), &[]).is_empty());
        assert_eq!(
            violations(&tally, &Damage::interrupted(2), &[]),
            ["3 exchanges broken, at most 2 may be"]
        );
    }

    #[test]
    fn everything_else_is_a_violation() {
        let tally = Tally {
            repeatable: words(1),
            timed_out: words(1),
            wrong: 1,
            lost: 1,
            duplicates: 1,
            unexecuted: 1,
            ..Tally::default()
        };
        assert_eq!(violations(&tally, &Damage::interrupted(9), &[]).len(), 6);
    }

    #[test]
    fn complaints_are_violations() {
        let damage = Damage {
            complaints: vec!["no successor".to_owned()],
            ..Damage::none()
        };
        assert_eq!(violations(&Tally::default(), &damage, &[]), ["no successor"]);
    }
}
