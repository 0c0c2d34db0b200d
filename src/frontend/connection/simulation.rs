//! Many clients of many kinds, and a listener that closes at any moment: nobody is hung up on who was about to be
//! answered, everybody is told in time, and every connection ends.

use std::cell::Cell;
use std::rc::Rc;

use fastrand::Rng;
use tokio::time::{Instant, sleep};

use super::*;
use crate::frontend::places::Places;
use crate::telemetry::Counters;

const SEEDS: u64 = 1000;
const GRACE: Duration = Duration::from_secs(1);

/// A timer's own precision.
const TICK: Duration = Duration::from_millis(2);

/// What is known of one connection.
struct World {
    connection: Arc<Connection>,
    /// The last byte of the client, or the end of an answer.
    active: Cell<Instant>,
    left: Cell<Option<Instant>>,
    is_busy: Cell<bool>,
    /// The client knows that it was the last answer.
    is_told: Cell<bool>,
}

impl World {
    fn new() -> Rc<Self> {
        let places = Arc::new(Places::new(1, Arc::new(Counters::new(&[]))));
        let connection = Connection::new(
            Connected::new(None, None),
            Patience::default(),
            Arc::default(),
            places.take(),
        );
        Rc::new(Self {
            connection: Arc::new(connection),
            active: Cell::new(Instant::now()),
            left: Cell::new(None),
            is_busy: Cell::new(false),
            is_told: Cell::new(false),
        })
    }

    /// A client that asks until it is told not to, or has had enough.
    async fn client(self: Rc<Self>, mut rng: Rng) {
        for _ in 0..rng.usize(0..8) {
            self.pause(&mut rng, 3).await;
            self.send(&mut rng).await;
            self.answer(&mut rng).await;
            if self.is_told.get() {
                return;
            }
        }
        // Goes on saying nothing.
        std::future::pending().await
    }

    /// A head, in pieces.
    async fn send(&self, rng: &mut Rng) {
        for _ in 0..rng.usize(1..4) {
            self.is_busy.set(true);
            self.connection.patience.arrived();
            self.active.set(Instant::now());
            self.pause(rng, 2).await;
        }
    }

    async fn answer(&self, rng: &mut Rng) {
        self.connection.patience.begin();
        self.connection.requests.begin();
        self.pause(rng, 4).await;
        self.is_told.set(self.connection.leave.is_given());
        self.pause(rng, 4).await;
        self.connection.patience.end();
        self.connection.requests.end();
        self.is_busy.set(false);
        self.active.set(Instant::now());
    }

    /// Some time; often none, now and then just about the grace.
    async fn pause(&self, rng: &mut Rng, most: u32) {
        let time = match rng.u8(0..4) {
            0 => Duration::ZERO,
            1 => GRACE,
            _ => GRACE.mul_f64(f64::from(most) * rng.f64()),
        };
        sleep(time).await;
        self.check_invariants();
    }

    async fn listener(self: Rc<Self>, mut rng: Rng) {
        sleep(GRACE.mul_f64(20.0 * rng.f64())).await;
        self.left.set(Some(Instant::now()));
        self.connection.leave.give();
    }

    fn check_invariants(&self) {
        assert_eq!(self.connection.leave.is_given(), self.left.get().is_some());
        assert!(
            !self.is_told.get() || self.left.get().is_some(),
            "told without need"
        );
        assert!(
            !self.is_busy.get() || self.connection.at_rest().is_none(),
            "at rest while a request is under way"
        );
    }

    /// Now the gateway hangs up.
    fn check_end(&self) {
        assert!(!self.is_busy.get(), "hung up on a client that had begun");
        let left = self.left.get().expect("hung up without need");
        let quiet = self.active.get().max(left).elapsed();
        assert!(quiet + TICK >= GRACE, "hung up after {quiet:?}");
        assert!(quiet <= 2 * GRACE + TICK, "kept for {quiet:?}");
    }
}

/// One connection to its end.
async fn run(seed: u64) {
    let world = World::new();
    let mut rng = Rng::with_seed(seed);
    let leaves = tokio::task::spawn_local(world.clone().listener(rng.fork()));
    let client = world.clone().client(rng.fork());
    let asked = Cell::new(false);
    // Ends when the client has had its last answer, or is hung up on.
    let mut client = pin!(client);
    let mut http = pin!(poll_fn(|cx| {
        if asked.get() {
            return Poll::Ready(());
        }
        client.as_mut().poll(cx)
    }));
    let given = pin!(world.connection.leave.given());
    let end = farewell(&world.connection, given, GRACE);
    let ask = |_: Pin<&mut _>| {
        world.check_end();
        asked.set(true);
    };
    until(http.as_mut(), end, ask).await;
    assert!(asked.get() || world.is_told.get(), "ended by itself");
    leaves.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_is_hung_up_on_and_everybody_leaves() {
    let local = tokio::task::LocalSet::new();
    for seed in 0..SEEDS {
        local.run_until(run(seed)).await;
    }
}
