use super::*;

const DAY: i64 = 24 * 3600;
const BEGIN: i64 = 1_800_000_000;

fn validity(days: i64) -> Validity {
    Validity {
        not_before: BEGIN,
        not_after: BEGIN + days * DAY,
    }
}

#[test]
fn a_certificate_is_renewed_at_two_thirds_of_its_time() {
    for days in [6, 45, 64, 90, 398] {
        for seed in 0..200 {
            let due = renewal(validity(days), None, None, seed);
            let latest = BEGIN + days * DAY * 2 / 3;
            let earliest = latest - days * DAY / 50 - 1;
            assert!(
                (earliest..=latest).contains(&due),
                "{days} days, seed {seed}: {}",
                due - BEGIN
            );
        }
    }
}

#[test]
fn moments_are_spread_over_all_of_the_window() {
    let window = Window {
        start: BEGIN + 10 * DAY,
        end: BEGIN + 12 * DAY,
    };
    let dues: Vec<i64> = (0..1000)
        .map(|seed| renewal(validity(90), None, Some(window), seed))
        .collect();
    assert!(dues.iter().all(|due| (window.start..window.end).contains(due)));
    let first_half = dues.iter().filter(|due| **due < window.start + DAY).count();
    assert!((400..600).contains(&first_half), "{first_half} of 1000");
}

#[test]
fn a_window_that_is_over_means_as_soon_as_may_be() {
    let window = Window {
        start: BEGIN - 10 * DAY,
        end: BEGIN - 9 * DAY,
    };
    assert_eq!(renewal(validity(90), None, Some(window), 7), BEGIN + 6 * 3600);
    assert_eq!(renewal(validity(1), None, Some(window), 7), BEGIN + DAY / 10);
}

#[test]
fn a_window_behind_the_end_does_not_outlast_the_certificate() {
    let window = Window {
        start: BEGIN + 100 * DAY,
        end: BEGIN + 200 * DAY,
    };
    assert_eq!(renewal(validity(90), None, Some(window), 7), BEGIN + 90 * DAY);
}

#[test]
fn what_is_configured_counts_but_not_beyond_half_of_the_time() {
    let before = |days: u64| Some(Duration::from_secs(days * 24 * 3600));
    let due = renewal(validity(90), before(10), None, 3);
    assert!(due <= BEGIN + 80 * DAY && due > BEGIN + 78 * DAY);
    let due = renewal(validity(6), before(30), None, 3);
    assert!(due <= BEGIN + 3 * DAY && due > BEGIN + 2 * DAY);
}

#[test]
fn the_ladder_gets_longer_and_ends_after_thirty_days() {
    for seed in 0..50 {
        let (mut failures, mut now, mut pauses) = (Failures::default(), BEGIN, Vec::new());
        while !failures.is_over {
            failures.add(now, Duration::ZERO, seed);
            pauses.push(failures.next - now);
            now = failures.next;
            assert!(pauses.len() < 1000);
        }
        assert!(now - BEGIN >= 30 * DAY && now - BEGIN < 31 * DAY);
        assert!((60..=66).contains(&pauses[0]), "{}", pauses[0]);
        // Of a limit of five failures an hour and name at Let's Encrypt not much is left after ten minutes.
        let early = pauses.iter().scan(0, |sum, pause| {
            *sum += pause;
            Some(*sum)
        });
        assert_eq!(early.filter(|at| *at < 9 * 60).count(), 3);
        assert!(pauses.iter().all(|pause| *pause <= 6 * 3600 * 11 / 10));
        assert!(pauses.len() < 140, "{} attempts", pauses.len());
    }
}

#[test]
fn a_directory_is_left_alone_for_as_long_as_it_wants() {
    let mut failures = Failures::default();
    failures.add(BEGIN, Duration::from_secs(7200), 1);
    assert_eq!(failures.next, BEGIN + 7200);
    // Not for ever: a wrong clock there is not to end everything.
    failures.add(BEGIN, Duration::from_secs(u64::MAX), 1);
    assert_eq!(failures.next, BEGIN + 7 * DAY);
}

#[test]
fn who_mends_and_loads_again_does_not_wait() {
    let mut failures = Failures::default();
    failures.add(BEGIN, Duration::ZERO, 1);
    failures.encourage();
    assert_eq!((failures.count, failures.next), (1, 0));
    failures.is_over = true;
    failures.encourage();
    assert_eq!(failures.count, 0);
}

#[test]
fn every_way_has_its_turn() {
    let turns: Vec<usize> = (0..5).map(|failures| choice(failures, 3)).collect();
    assert_eq!(turns, [0, 1, 2, 0, 1]);
    assert_eq!(choice(7, 0), 0);
}

/// Years of a certificate: a directory that fails as the seed wants it, looks once an hour, a window now and then. Whatever
/// happens, the certificate is renewed before its end as long as the directory answers for half of a day.
#[test]
fn a_certificate_never_expires_while_its_directory_lives() {
    for seed in 0..40_u64 {
        let lifetime = [6, 45, 90][(seed % 3) as usize] * DAY;
        let (mut now, mut attempts) = (BEGIN, 0);
        let (mut good, mut failures) = (validity(lifetime / DAY), Failures::default());
        while now < BEGIN + 730 * DAY {
            let day = (now - BEGIN) / DAY;
            // For some, the directory moves the window to the front: something is wrong with the certificate.
            let window = mixed(seed ^ good.not_after as u64)
                .is_multiple_of(4)
                .then(|| Window {
                    start: good.not_before + lifetime / 4,
                    end: good.not_before + lifetime / 2,
                });
            let due = renewal(good, None, window, seed ^ good.not_after as u64).max(failures.next);
            if due <= now && !failures.is_over {
                attempts += 1;
                // Out of order for at most 12 hours at a time.
                let is_down = mixed(seed ^ day as u64).is_multiple_of(3) && (now - BEGIN) % DAY < 12 * 3600;
                match is_down {
                    true => failures.add(now, Duration::ZERO, seed),
                    false => {
                        failures = Failures::default();
                        good = Validity {
                            not_before: now,
                            not_after: now + lifetime,
                        };
                    }
                }
            }
            assert!(now < good.not_after, "seed {seed}: expired on day {day}");
            now += 600;
        }
        let most = 730 * DAY / (lifetime / 5) * 20;
        assert!(attempts < most, "seed {seed}: {attempts} attempts");
    }
}
