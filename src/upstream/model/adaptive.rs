//! How many workers an endpoint seems to have: a limit that follows from what is seen.
//!
//! A worker that is free answers after the time that the work takes; a request more than there are workers waits in
//! the backlog first. So the algorithm compares the same length of time, from the slot to the end of the answer, with
//! every slot in use and with a third of them free. The lower quartiles differ by the wait, as they hardly depend on
//! the few requests that take long; and by Little's law `limit x wait / mean` requests wait rather than being worked
//! on.
//!
//! * No request waits: the limit grows, twofold at first, then by a sixteenth with each window of samples.
//! * More wait than may (a fifth, at least one): it shrinks to as many as were being worked on, and stays below for
//!   some windows. Before that the unloaded time is measured again with a third of the slots kept free, as the work
//!   itself may have become slower; and so it is once in a while.
//! * EAGAIN, OVERLOADED, a full backlog: it shrinks by an eighth below what was under way, once for all that was.
//!
//! While requests do not want every slot nothing changes. The limit stays between its bounds, below the number of
//! workers only for moments, and above it by as many as may wait.

use std::time::Duration;

use super::config::slots::Auto;
use crate::upstream::model::Workers;

/// The limit of one endpoint.
#[derive(Debug)]
pub struct Adaptive {
    /// As configured.
    bounds: (usize, usize),
    /// The bounds now: narrower once the endpoint has said something.
    least: usize,
    most: usize,
    limit: usize,
    phase: Phase,
    /// Samples with every slot in use.
    full: Window,
    /// Samples with a third of the slots free.
    unloaded: Window,
    /// What a free worker takes.
    work: Option<f64>,
    /// The last complete window with every slot in use.
    last: Stats,
    ceiling: Ceiling,
    /// Nothing has ever told that the limit is too high.
    slow_start: bool,
    /// Full windows since the unloaded time was measured.
    age: u32,
    /// Samples that began before the last change.
    skip: usize,
    /// Samples until another refusal says something new.
    cooldown: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Cruising,
    /// A third of the slots is kept free, to see how long the work takes.
    Probing,
}

/// What was too much. It holds for some windows, and each time that it turns out to be true for twice as many.
#[derive(Clone, Copy, Debug)]
struct Ceiling {
    slots: usize,
    /// Windows left.
    windows_left: u32,
    /// Windows the next time.
    hold_windows: u32,
}

/// Lengths of time, in seconds; at most [`LARGEST_WINDOW`].
#[derive(Debug, Default)]
struct Window(Vec<f64>);

#[derive(Clone, Copy, Debug, Default)]
struct Stats {
    low: f64,
    mean: f64,
}

impl Adaptive {
    /// Nothing is known yet.
    pub fn new(auto: &Auto) -> Self {
        Self {
            bounds: (auto.least, auto.most),
            least: auto.least,
            most: auto.most,
            limit: auto.first(),
            phase: Phase::Cruising,
            full: Window::default(),
            unloaded: Window::default(),
            work: None,
            last: Stats::default(),
            ceiling: Ceiling {
                slots: usize::MAX,
                windows_left: 0,
                hold_windows: SHORTEST_HOLD,
            },
            slow_start: true,
            age: 0,
            skip: 0,
            cooldown: 0,
        }
    }

    /// Requests that may be under way at a time.
    pub fn limit(&self) -> usize {
        match self.phase {
            Phase::Cruising => self.limit,
            Phase::Probing => unloaded(self.limit).max(self.least),
        }
    }

    /// The endpoint said how many workers it has: there is nothing left to be found out, or only how many more.
    pub fn count(&mut self, workers: Workers) {
        let (least, most) = self.bounds;
        let (least, most) = match workers {
            Workers::Exactly(count) => (count.clamp(least, most), count.clamp(least, most)),
            Workers::AtLeast(count) => (count.clamp(least, most), most),
            Workers::Unknown => return,
        };
        if (self.least, self.most) != (least, most) {
            (self.least, self.most) = (least, most);
            self.cooldown = 0;
            self.change(self.limit);
        }
    }

    /// A request was answered: `held` from its slot to the end of the answer, `under_way` before it ended, itself
    /// included.
    pub fn on_success(&mut self, held: Duration, under_way: usize) {
        if self.least == self.most {
            return;
        }
        self.cooldown = self.cooldown.saturating_sub(1);
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        let held = held.as_secs_f64();
        let (limit, size) = (self.limit(), self.window());
        match self.phase {
            Phase::Probing => {
                if self.unloaded.push(held, size) {
                    self.probed();
                }
            }
            Phase::Cruising if under_way >= limit => {
                if self.full.push(held, size) {
                    self.last = self.full.take();
                    self.decide();
                }
            }
            Phase::Cruising if under_way <= unloaded(limit) => {
                if self.unloaded.push(held, size) {
                    self.work = Some(self.unloaded.take().low);
                    self.age = 0;
                }
            }
            Phase::Cruising => {}
        }
    }

    /// The endpoint refused a request because it is full, with so many under way, that one included.
    pub fn on_busy(&mut self, under_way: usize) {
        if self.cooldown > 0 || self.least == self.most {
            return;
        }
        let under_way = under_way.min(self.limit).max(1);
        self.ceiling.record_limit(under_way);
        self.change(under_way - under_way.div_ceil(8));
        self.cooldown = under_way;
    }

    /// A full window is complete, and there may be something to compare it with.
    fn decide(&mut self) {
        self.age += 1;
        self.ceiling.windows_left = self.ceiling.windows_left.saturating_sub(1);
        let Some(work) = self.work else {
            return self.probe();
        };
        if self.waiting(work) > allowed(self.limit) || self.age >= PROBE_AFTER {
            self.probe();
        } else {
            self.grow();
        }
    }

    /// The unloaded time has just been measured.
    fn probed(&mut self) {
        let work = self.unloaded.take().low;
        self.work = Some(work);
        self.age = 0;
        self.phase = Phase::Cruising;
        let waiting = self.waiting(work);
        if waiting > allowed(self.limit) {
            self.shrink(waiting);
        } else {
            self.skip = 0;
            self.grow();
        }
    }

    /// Requests that waited in the backlog during the last full window.
    fn waiting(&self, work: f64) -> f64 {
        let Stats { low, mean } = self.last;
        let wait = (low - work).clamp(0.0, mean);
        if mean > 0.0 {
            self.limit as f64 * wait / mean
        } else {
            0.0
        }
    }

    fn probe(&mut self) {
        let before = self.limit();
        self.phase = Phase::Probing;
        self.unloaded.clear();
        if self.limit() == before {
            // There is nothing below.
            self.phase = Phase::Cruising;
            self.work = Some(self.last.low);
            self.age = 0;
            return self.grow();
        }
        self.skip = before;
    }

    fn grow(&mut self) {
        let step = if self.slow_start {
            self.limit
        } else {
            self.limit.div_ceil(16)
        };
        if self.limit > self.ceiling.slots {
            self.ceiling.hold_windows = SHORTEST_HOLD;
        }
        let grown = self
            .limit
            .saturating_add(step)
            .min(self.ceiling.below().max(self.limit));
        self.change(grown);
    }

    fn shrink(&mut self, waiting: f64) {
        self.ceiling.record_limit(self.limit);
        self.slow_start = false;
        // It may have been measured with requests waiting, too.
        self.work = None;
        // Rounded towards more workers.
        let surplus = (waiting as usize).clamp(1, self.limit.div_ceil(3));
        self.change(self.limit - surplus);
    }

    fn change(&mut self, limit: usize) {
        let before = self.limit();
        if limit < self.limit {
            self.slow_start = false;
        }
        self.phase = Phase::Cruising;
        self.limit = limit.clamp(self.least, self.most);
        self.full.clear();
        self.unloaded.clear();
        self.skip = if self.limit == before { 0 } else { before };
    }

    /// Samples of a window: enough for the median of times that differ a lot, fewer while the limit is far off.
    fn window(&self) -> usize {
        match self.slow_start {
            true => (2 * self.limit).clamp(SMALLEST_WINDOW / 4, LARGEST_WINDOW / 2),
            false => (4 * self.limit).clamp(SMALLEST_WINDOW, LARGEST_WINDOW),
        }
    }
}

impl Ceiling {
    fn record_limit(&mut self, slots: usize) {
        self.slots = slots;
        self.windows_left = self.hold_windows;
        self.hold_windows = (self.hold_windows * 2).min(LONGEST_HOLD);
    }

    /// Most slots while it holds.
    fn below(&self) -> usize {
        if self.windows_left > 0 {
            self.slots - 1
        } else {
            usize::MAX
        }
    }
}

impl Window {
    /// Whether that makes it complete.
    fn push(&mut self, held: f64, size: usize) -> bool {
        self.0.push(held);
        self.0.len() >= size
    }

    /// What the samples say; there are none afterwards.
    fn take(&mut self) -> Stats {
        let samples = &mut self.0;
        let mean = samples.iter().sum::<f64>() / samples.len().max(1) as f64;
        let at = samples.len() / QUANTILE;
        let low = match at < samples.len() {
            true => *samples.select_nth_unstable_by(at, f64::total_cmp).1,
            false => 0.0,
        };
        samples.clear();
        Stats { low, mean }
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

/// Slots in use while a third is free.
fn unloaded(limit: usize) -> usize {
    limit - limit.div_ceil(3)
}

/// Requests that may wait in the backlog: less cannot be told from chance.
fn allowed(limit: usize) -> f64 {
    (limit as f64 / 5.0).max(0.75)
}

/// Samples.
const SMALLEST_WINDOW: usize = 128;

/// Samples; with that it is also the memory of an endpoint, twice.
const LARGEST_WINDOW: usize = 1_024;

/// The lower quartile: the spread of times that differ a lot hardly reaches down to it.
const QUANTILE: usize = 4;

/// Windows for which a limit that was too high is not tried again.
const SHORTEST_HOLD: u32 = 4;

/// Windows.
const LONGEST_HOLD: u32 = 64;

/// Windows after which the unloaded time is measured again.
const PROBE_AFTER: u32 = 64;

#[cfg(test)]
mod simulation;
