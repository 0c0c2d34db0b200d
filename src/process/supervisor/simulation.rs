//! A thousand seeded lives of an application: slow starts, crashes, hangs, failing warm-ups, renewals, stops. What must
//! hold is checked after every step. A failure names its seed.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::*;

const SEEDS: u64 = 1_000;
const STEPS: usize = 200;

/// A process of the simulated system.
#[derive(Debug)]
struct Process {
    /// Told to stop, or killed.
    is_ending: bool,
}

struct World {
    random: fastrand::Rng,
    now: Instant,
    supervisor: Supervisor,
    /// Those that run, by generation.
    processes: BTreeMap<Id, Process>,
    /// Those that the system could not start; that is told when all actions are obeyed.
    stillborn: Vec<Id>,
    warming: Vec<Id>,
    draining: Vec<Id>,
    published: Option<Id>,
    newest: Id,
    is_stopping: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let deadlines = Deadlines {
            start: Duration::from_secs(30),
            drain: Duration::from_secs(60),
            stop: Duration::from_secs(15),
        };
        let mut world = Self {
            random: fastrand::Rng::with_seed(seed),
            now: Instant::now(),
            supervisor: Supervisor::new(deadlines),
            processes: BTreeMap::new(),
            stillborn: Vec::new(),
            warming: Vec::new(),
            draining: Vec::new(),
            published: None,
            newest: 0,
            is_stopping: false,
        };
        world.renew();
        world
    }

    fn step(&mut self) {
        match self.random.u8(..12) {
            0 => self.renew(),
            1 | 2 => {
                if let Some(id) = self.some_process() {
                    self.end(id);
                }
            }
            3..=5 => {
                if let Some(id) = self.some_process() {
                    let is_warm = self.random.bool();
                    let actions = self.supervisor.ready(id, is_warm, self.now);
                    self.obey(actions);
                }
            }
            6 => self.finish_warming(),
            7 => {
                if let Some(id) = self.draining.pop() {
                    let actions = self.supervisor.drained(id, self.now);
                    self.obey(actions);
                }
            }
            _ => self.wait(),
        }
    }

    fn renew(&mut self) {
        if let Some((id, actions)) = self.supervisor.renew(self.now) {
            assert!(id > self.newest, "a number was given twice");
            self.newest = id;
            self.obey(actions);
        }
    }

    fn finish_warming(&mut self) {
        if let Some(id) = self.warming.pop() {
            let before = self.published;
            let is_fine = self.random.u8(..3) > 0;
            let actions = self.supervisor.warmed(id, is_fine, self.now);
            self.obey(actions);
            if !is_fine && before.is_some() {
                assert_eq!(self.published, before, "a bad generation took over");
            }
        }
    }

    fn some_process(&mut self) -> Option<Id> {
        let at = self.random.usize(..self.processes.len().max(1));
        self.processes.keys().nth(at).copied()
    }

    fn end(&mut self, id: Id) {
        let before = self.published;
        if self.processes.remove(&id).is_none() {
            return;
        }
        let actions = self.supervisor.exited(id, self.now);
        self.obey(actions);
        if before != Some(id) {
            assert_eq!(self.published, before, "the end of another one was felt");
        }
    }

    /// Until something is due, or not as long.
    fn wait(&mut self) {
        let Some(due) = self.supervisor.due() else {
            self.now += Duration::from_secs(1);
            return;
        };
        let pause = due.saturating_duration_since(self.now);
        assert!(pause <= Duration::from_secs(60), "waits for {pause:?}");
        self.now += if self.random.bool() { pause } else { pause / 2 };
        let actions = self.supervisor.tick(self.now);
        self.obey(actions);
        assert!(self.supervisor.due().is_none_or(|due| due >= self.now));
    }

    fn obey(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Launch(id) => self.launch(id),
                Action::Warm(id) => self.warming.push(id),
                Action::Publish(id) => {
                    assert!(self.processes.contains_key(&id), "nothing runs there");
                    assert!(
                        self.published.is_none_or(|before| before <= id),
                        "an old one came back"
                    );
                    self.published = Some(id);
                }
                Action::Withdraw => self.published = None,
                Action::Drain(id) => {
                    assert_ne!(self.published, Some(id));
                    self.draining.push(id);
                }
                Action::Stop(id) | Action::Kill(id) => {
                    let process = self.processes.get_mut(&id).expect("there is a process");
                    process.is_ending = true;
                }
                Action::Retire(id) => {
                    assert!(!self.processes.contains_key(&id), "a process was forgotten");
                    assert_ne!(self.published, Some(id), "requests go to what is gone");
                }
                Action::Refuse(id, _) => assert_ne!(self.published, Some(id)),
                Action::Pause(_, pause) => assert!(pause <= backoff::LONGEST),
                Action::Cold(_) | Action::CrashLoop(..) => {}
            }
        }
        self.check();
        while let Some(id) = self.stillborn.pop() {
            self.end(id);
        }
    }

    fn launch(&mut self, id: Id) {
        assert!(!self.is_stopping, "something was started at the end");
        // Sometimes the system cannot start it.
        let twin = self.processes.insert(id, Process { is_ending: false });
        assert!(twin.is_none(), "two processes of one generation");
        if self.random.u8(..10) == 0 {
            self.stillborn.push(id);
        }
    }

    fn check(&self) {
        assert_eq!(self.supervisor.published(), self.published);
        for (id, process) in &self.processes {
            let known = self
                .supervisor
                .generations
                .iter()
                .find(|generation| generation.id == *id);
            let known = known.unwrap_or_else(|| panic!("{id} is forgotten: {process:?}"));
            assert!(!matches!(known.phase, Phase::Waiting { .. }), "{id} runs");
            let has_end = known.due().is_some() || matches!(known.phase, Phase::Serving { .. });
            assert!(
                has_end || process.is_ending,
                "nothing follows for {id}: {known:?}"
            );
        }
        let serves = |generation: &&Generation| matches!(generation.phase, Phase::Serving { .. });
        assert!(self.supervisor.generations.iter().filter(serves).count() <= 1);
    }

    /// Everything ends, however unwilling.
    fn stop(&mut self) {
        self.is_stopping = true;
        let actions = self.supervisor.stop(self.now);
        self.obey(actions);
        for _ in 0..100 {
            if let Some(due) = self.supervisor.due() {
                self.now = self.now.max(due);
                let actions = self.supervisor.tick(self.now);
                self.obey(actions);
            }
            let ending = self.processes.iter().find(|(_, process)| process.is_ending);
            if let Some(id) = ending.map(|(id, _)| *id) {
                self.end(id);
            }
        }
        assert!(self.processes.is_empty() && self.supervisor.is_empty());
    }
}

#[test]
fn whatever_happens_one_generation_serves_and_no_process_is_forgotten() {
    for seed in 0..SEEDS {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for _ in 0..STEPS {
                world.step();
            }
            world.stop();
        });
        assert!(run.is_ok(), "seed {seed}");
    }
}
