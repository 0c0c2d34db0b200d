//! Connections, workers and restarts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::deviation::Deviation;
use super::site::Site;

/// Twenty at once on two workers: they wait in our queue.
pub(super) fn a_crowd_queues(site: &Site) {
    let answers: Vec<_> = thread::scope(|scope| {
        let asking: Vec<_> = (0..20)
            .map(|i| scope.spawn(move || site.get(&format!("/sleep?ms=20&crowd={i}"))))
            .collect();
        asking.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    for answer in answers {
        assert_eq!((answer.status, answer.text().as_str()), (200, "slept\n"));
    }
}

/// The log shows it: no time was spent on connecting.
pub(super) fn kept_connections_are_used_again(site: &Site) {
    for i in 0..4 {
        site.get(&format!("/head-test?again={i}"));
    }
    let connected: Vec<_> = (0..4)
        .map(|i| site.logged(&format!("again={i}"))["connect_us"].as_u64())
        .collect();
    let used = site.kept > 0 && !site.deviates(Deviation::AlwaysCloses);
    assert_eq!(connected[1..].contains(&Some(0)), used, "{connected:?}");
}

pub(super) fn a_restart_between_requests_is_not_visible(site: &mut Site) {
    for _ in 0..2 {
        a_crowd_queues(site);
        site.backend.restart().unwrap();
        for method in ["GET", "POST", "GET", "POST"] {
            let answer = site.ask(method, "/echo", &[], b"five!");
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (200, "five!"),
                "{:?}",
                answer.headers
            );
        }
    }
}

pub(super) fn a_reload_between_requests_is_not_visible(site: &mut Site) {
    if site.deviates(Deviation::NoReload) {
        assert!(site.backend.reload().is_err());
        return;
    }
    a_crowd_queues(site);
    reload(site);
    for method in ["GET", "POST", "GET", "POST"] {
        let answer = site.ask(method, "/echo", &[], b"five!");
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, "five!"),
            "{:?}",
            answer.headers
        );
    }
}

/// Requests that may be repeated find the old workers or the new ones.
pub(super) fn a_reload_under_load_is_not_visible(site: &mut Site) {
    if site.deviates(Deviation::NoReload) {
        return;
    }
    let done = AtomicBool::new(false);
    let site: &Site = site;
    let failed: Vec<_> = thread::scope(|scope| {
        let ask = || {
            let mut failed = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let answer = site.get("/sleep?ms=2");
                if answer.status != 200 {
                    failed.push((
                        answer.status,
                        answer.header("bridgehead-error").map(str::to_owned),
                    ));
                }
            }
            failed
        };
        let asking: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        // The others end also when this fails.
        let reloaded = catch_unwind(AssertUnwindSafe(|| reload(site)));
        done.store(true, Ordering::Relaxed);
        reloaded.unwrap();
        asking
            .into_iter()
            .flat_map(|asked| asked.join().unwrap())
            .collect()
    });
    assert_eq!(failed, []);
}

/// Returns when none but new workers are there.
fn reload(site: &Site) {
    testbed::eventually("both workers are there", || workers(site).len() == 2);
    let old = workers(site);
    site.backend.reload().unwrap();
    testbed::eventually("there are new workers", || {
        let new = workers(site);
        new.len() == old.len() && new.iter().all(|id| !old.contains(id))
    });
}

fn workers(site: &Site) -> Vec<u32> {
    let mut all = site.backend.processes();
    all.retain(|id| *id != site.backend.pid());
    all
}
