//! The ways of a generation, one by one.

use std::time::Duration;

use tokio::time::Instant;

use super::Action::{
    Cold, CrashLoop, Drain, Kill, Launch, Pause, Publish, Refuse, Retire, Stop, Warm, Withdraw,
};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn supervisor() -> (Supervisor, Instant) {
    let deadlines = Deadlines {
        start: 30 * SECOND,
        drain: 60 * SECOND,
        stop: 15 * SECOND,
    };
    (Supervisor::new(deadlines), Instant::now())
}

/// One generation that serves.
fn serving() -> (Supervisor, Instant) {
    let (mut supervisor, now) = supervisor();
    supervisor.renew(now).unwrap();
    assert_eq!(supervisor.ready(1, true, now), [Publish(1)]);
    (supervisor, now)
}

#[test]
fn the_next_generation_is_warmed_and_takes_over() {
    let (mut supervisor, now) = serving();
    assert_eq!(supervisor.renew(now), Some((2, vec![Launch(2)])));
    assert_eq!(supervisor.ready(2, false, now), [Warm(2)]);
    assert_eq!(supervisor.published(), Some(1));
    assert_eq!(supervisor.warmed(2, true, now), [Publish(2), Drain(1)]);
    assert_eq!(supervisor.drained(1, now), [Stop(1)]);
    assert_eq!(supervisor.exited(1, now), [Retire(1)]);
    assert_eq!(supervisor.published(), Some(2));
}

#[test]
fn a_generation_that_ends_or_hangs_or_answers_badly_is_refused() {
    let (mut supervisor, now) = serving();
    supervisor.renew(now);
    assert_eq!(supervisor.exited(2, now), [Refuse(2, Refusal::Ended), Retire(2)]);
    supervisor.renew(now);
    assert_eq!(
        supervisor.tick(now + 30 * SECOND),
        [Refuse(3, Refusal::NotReady), Kill(3)]
    );
    assert_eq!(supervisor.exited(3, now), [Retire(3)]);
    supervisor.renew(now);
    supervisor.ready(4, false, now);
    assert_eq!(
        supervisor.warmed(4, false, now),
        [Refuse(4, Refusal::NotWarm), Stop(4)]
    );
    assert_eq!(supervisor.tick(now + 15 * SECOND), [Kill(4)]);
    assert_eq!(supervisor.exited(4, now), [Retire(4)]);
    assert_eq!(supervisor.published(), Some(1));
}

#[test]
fn a_newer_generation_supersedes_one_that_is_not_ready() {
    let (mut supervisor, now) = serving();
    supervisor.renew(now);
    let (id, actions) = supervisor.renew(now).unwrap();
    assert_eq!(id, 3);
    assert_eq!(actions, [Refuse(2, Refusal::Superseded), Stop(2), Launch(3)]);
    assert_eq!(supervisor.ready(2, true, now), [], "it was given up");
}

#[test]
fn the_first_generation_is_not_refused_for_being_cold() {
    let (mut supervisor, now) = supervisor();
    supervisor.renew(now);
    supervisor.ready(1, false, now);
    assert_eq!(supervisor.warmed(1, false, now), [Cold(1), Publish(1)]);
}

#[test]
fn a_crash_of_a_steady_generation_costs_no_pause_and_others_do() {
    let (mut supervisor, now) = serving();
    let now = now + 10 * SECOND;
    assert_eq!(supervisor.exited(1, now), [Pause(1, Duration::ZERO)]);
    assert_eq!(supervisor.tick(now), [Launch(1)]);
    assert_eq!(supervisor.ready(1, false, now), [], "it was there all the time");
    assert_eq!(supervisor.exited(1, now), [Pause(1, SECOND)]);
    assert_eq!(supervisor.published(), Some(1), "requests wait in the socket");
}

#[test]
fn a_crash_loop_takes_the_generation_out_until_it_is_back() {
    let (mut supervisor, mut now) = serving();
    for pause in [1, 2] {
        assert_eq!(supervisor.exited(1, now), [Pause(1, pause * SECOND)]);
        now += pause * SECOND;
        assert_eq!(supervisor.tick(now), [Launch(1)]);
    }
    assert_eq!(
        supervisor.exited(1, now),
        [Pause(1, 4 * SECOND), CrashLoop(1, 3), Withdraw]
    );
    assert_eq!(supervisor.published(), None);
    now += 4 * SECOND;
    assert_eq!(supervisor.tick(now), [Launch(1)]);
    assert_eq!(supervisor.ready(1, true, now), [Publish(1)]);
}

#[test]
fn a_generation_that_replaces_one_that_is_down_waits_for_nothing() {
    let (mut supervisor, now) = serving();
    supervisor.exited(1, now);
    supervisor.renew(now);
    assert_eq!(supervisor.ready(2, true, now), [Publish(2), Retire(1)]);
}

#[test]
fn a_first_generation_that_hangs_is_killed_and_started_again() {
    let (mut supervisor, now) = supervisor();
    supervisor.renew(now);
    let now = now + 30 * SECOND;
    assert_eq!(supervisor.tick(now), [Kill(1)]);
    assert_eq!(supervisor.tick(now), []);
    assert_eq!(supervisor.exited(1, now), [Pause(1, SECOND)]);
}

#[test]
fn stopping_ends_all_of_them_and_nothing_begins_again() {
    let (mut supervisor, now) = serving();
    supervisor.renew(now);
    supervisor.ready(2, true, now);
    supervisor.renew(now);
    assert_eq!(supervisor.stop(now), [Withdraw, Stop(1), Stop(2), Stop(3)]);
    assert_eq!(supervisor.renew(now), None);
    supervisor.exited(1, now);
    supervisor.exited(2, now);
    assert_eq!(supervisor.tick(now + 15 * SECOND), [Kill(3)]);
    assert_eq!(supervisor.exited(3, now), [Retire(3)]);
    assert!(supervisor.is_empty() && supervisor.due().is_none());
}
