//! The task of an application: does what the supervisor decides, and tells it what happens.

use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::child::AppProcess;
use super::config::AppConfig;
use super::exit::Exit;
use super::kind::binds;
use super::launch::{Helper, Prepared};
use super::notification::Notifications;
use super::outcome::Outcome;
use super::runtime_dir::RuntimeDir;
use super::socket::ListenSocket;
use super::supervisor::{Action, Deadlines, Id, Refusal, Supervisor};
use super::tail::Tail;
use super::traffic::{Place, Traffic};

/// What is asked of an application.
#[derive(Debug)]
pub(super) enum Command {
    /// Another generation with these settings.
    Renew(Arc<AppConfig>, Option<Outcome>),
    /// The end.
    Stop,
}

/// What has happened to the process of a generation.
enum Happening {
    Prepared(Attempt, Result<Prepared, String>),
    Ready,
    Warmed(Attempt, Result<(), String>),
    Exited(Exit),
    Drained,
}

/// What a process is asked for while it runs.
#[derive(Clone, Copy, Debug)]
enum Request {
    Stop,
    Kill,
}

pub(super) struct Driver<T> {
    name: Arc<str>,
    helper: Helper,
    dir: Arc<RuntimeDir>,
    traffic: Arc<T>,
    supervisor: Supervisor,
    running: BTreeMap<Id, Running>,
    publish: watch::Sender<Option<Place>>,
    happenings: (mpsc::UnboundedSender<News>, mpsc::UnboundedReceiver<News>),
    /// Processes, and what waits for something.
    tasks: JoinSet<()>,
}

type News = (Id, Happening);

/// How often a process of a generation was started.
type Attempt = u32;

/// A generation with what belongs to it.
struct Running {
    config: Arc<AppConfig>,
    socket: Arc<ListenSocket>,
    tail: Tail,
    /// To the process, while there is one.
    requests: Option<mpsc::UnboundedSender<Request>>,
    attempt: Attempt,
    began: Instant,
    /// Hears what comes of it.
    outcome: Option<Outcome>,
}

impl<T: Traffic> Driver<T> {
    pub(super) fn new(
        config: Arc<AppConfig>,
        helper: Helper,
        dir: Arc<RuntimeDir>,
        traffic: Arc<T>,
        publish: watch::Sender<Option<Place>>,
    ) -> Self {
        Self {
            name: config.name.as_str().into(),
            helper,
            dir,
            traffic,
            supervisor: Supervisor::new(deadlines(&config)),
            running: BTreeMap::new(),
            publish,
            happenings: mpsc::unbounded_channel(),
            tasks: JoinSet::new(),
        }
    }

    /// Until it is told to stop and everything has ended.
    pub(super) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut is_stopping = false;
        while !(is_stopping && self.supervisor.is_empty()) {
            let due = self.supervisor.due();
            let actions = tokio::select! {
                command = commands.recv(), if !is_stopping => match command {
                    Some(Command::Renew(config, outcome)) => {
                        self.renew(config, outcome);
                        continue;
                    }
                    Some(Command::Stop) | None => {
                        is_stopping = true;
                        self.supervisor.stop(Instant::now())
                    }
                },
                Some((id, happening)) = self.happenings.1.recv() => self.happened(id, happening),
                () = until(due) => self.supervisor.tick(Instant::now()),
            };
            self.obey(actions);
        }
        // Workers that are left have their time.
        while self.tasks.join_next().await.is_some() {}
    }

    fn renew(&mut self, config: Arc<AppConfig>, outcome: Option<Outcome>) {
        self.supervisor.set_deadlines(deadlines(&config));
        let Some((id, actions)) = self.supervisor.renew(Instant::now()) else {
            return;
        };
        let path = self.dir.file(&self.name, id, "sock");
        let opened = match binds(&config) {
            true => Ok(ListenSocket::reserve(path)),
            false => ListenSocket::open(path),
        };
        let socket = match opened {
            Ok(socket) => Arc::new(socket),
            Err(error) => {
                tracing::error!(app = &*self.name, generation = id, %error, "no socket for the application");
                let actions = self.supervisor.exited(id, Instant::now());
                return self.obey(actions);
            }
        };
        let running = Running {
            config,
            socket,
            tail: Tail::default(),
            requests: None,
            attempt: 0,
            began: Instant::now(),
            outcome,
        };
        self.running.insert(id, running);
        self.obey(actions);
    }

    fn obey(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Launch(id) => self.prepare(id),
                Action::Warm(id) => self.warm(id),
                Action::Publish(id) => self.published(id),
                Action::Withdraw => {
                    self.publish.send_replace(None);
                }
                Action::Drain(id) => self.drain(id),
                Action::Stop(id) => self.ask(id, Request::Stop),
                Action::Kill(id) => self.ask(id, Request::Kill),
                Action::Retire(id) => {
                    self.running.remove(&id);
                    tracing::info!(app = &*self.name, generation = id, "the generation is gone");
                }
                Action::Refuse(id, refusal) => self.refused(id, refusal),
                Action::Cold(id) => {
                    tracing::warn!(
                        app = &*self.name,
                        generation = id,
                        "serves all the same: no other generation does"
                    );
                }
                Action::Pause(id, pause) => {
                    if let Some(running) = self.running.get_mut(&id) {
                        running.tell(Err(format!(
                            "generation {id} has ended, and is started again: see the error log"
                        )));
                    }
                    tracing::info!(app = &*self.name, generation = id, ?pause, "starting it again");
                }
                Action::CrashLoop(id, times) => {
                    tracing::error!(
                        app = &*self.name,
                        generation = id,
                        times,
                        "ends again and again; requests are answered with 503 until it stays"
                    );
                }
            }
        }
    }

    /// Looks for what is needed to start the process.
    fn prepare(&mut self, id: Id) {
        let Some(running) = self.running.get_mut(&id) else {
            return;
        };
        running.began = Instant::now();
        running.attempt += 1;
        let attempt = running.attempt;
        let (config, dir, news) = (
            running.config.clone(),
            self.dir.clone(),
            self.happenings.0.clone(),
        );
        self.tasks.spawn(async move {
            let made = tokio::task::spawn_blocking(move || Prepared::make(&config, id, &dir)).await;
            let made = made.map_err(io::Error::other).and_then(|made| made);
            let made = made.map_err(|error| error.to_string());
            let _ = news.send((id, Happening::Prepared(attempt, made)));
        });
    }

    fn launch(&mut self, id: Id, prepared: &Prepared) -> io::Result<()> {
        let Some(running) = self.running.get_mut(&id) else {
            return Ok(());
        };
        let config = &running.config;
        let notifications = Notifications::open(prepared.notifications.clone(), prepared.owner)?;
        let child = prepared.start(config, &running.socket, &self.helper)?;
        let (app, pid) = (self.name.clone(), child.id());
        let line = move |line: &str| tracing::info!(app = &*app, pid, "{line}");
        let process = AppProcess::new(child, &running.tail, line)?;
        let program = prepared.plan.words.first().map(|word| word.display().to_string());
        tracing::info!(
            app = &*self.name,
            generation = id,
            pid,
            program,
            "starting the application"
        );
        let (requests, receiver) = mpsc::unbounded_channel();
        running.requests = Some(requests);
        let watch = Watch {
            id,
            news: self.happenings.0.clone(),
            requests: receiver,
            notifications: prepared.plan.notifies.then_some(notifications),
            stop: prepared.plan.stop,
            orphans: prepared.plan.orphans,
            limit: config.timeouts.stop,
        };
        self.tasks.spawn(watch.follow(process));
        Ok(())
    }

    fn happened(&mut self, id: Id, happening: Happening) -> Vec<Action> {
        let now = Instant::now();
        match happening {
            Happening::Prepared(attempt, _) | Happening::Warmed(attempt, _)
                if !self.is_current(id, attempt) =>
            {
                Vec::new()
            }
            Happening::Prepared(_, prepared) => {
                let launched = prepared.map_err(io::Error::other);
                match launched.and_then(|prepared| self.launch(id, &prepared)) {
                    Ok(()) => Vec::new(),
                    Err(error) => self.exited(id, &Exit::NotStarted(error.to_string())),
                }
            }
            Happening::Ready => {
                let urls = self
                    .running
                    .get(&id)
                    .map(|running| (running.config.warm.is_empty(), running.config.kind));
                let is_warm = urls.is_some_and(|(is_empty, kind)| is_empty && kind.notifies());
                self.supervisor.ready(id, is_warm, now)
            }
            Happening::Warmed(_, outcome) => {
                if let Err(why) = &outcome {
                    tracing::warn!(app = &*self.name, generation = id, why, "not warm");
                }
                self.supervisor.warmed(id, outcome.is_ok(), now)
            }
            Happening::Exited(exit) => self.exited(id, &exit),
            Happening::Drained => self.supervisor.drained(id, now),
        }
    }

    fn exited(&mut self, id: Id, exit: &Exit) -> Vec<Action> {
        let Some(running) = self.running.get_mut(&id) else {
            return Vec::new();
        };
        running.requests = None;
        let actions = self.supervisor.exited(id, Instant::now());
        if !matches!(actions[..], [Action::Pause(..), ..]) {
            // It was told to end, or is about to be refused.
            tracing::info!(app = &*self.name, generation = id, %exit, "the application has ended");
            return actions;
        }
        tracing::error!(app = &*self.name, generation = id, %exit, "the application has ended");
        for line in running.tail.lines() {
            tracing::error!(app = &*self.name, generation = id, "its last lines: {line}");
        }
        running.tail = Tail::default();
        actions
    }

    /// Whether it is the last start of a generation's process that something is about.
    fn is_current(&self, id: Id, attempt: Attempt) -> bool {
        self.running
            .get(&id)
            .is_some_and(|running| running.attempt == attempt)
    }

    fn warm(&mut self, id: Id) {
        let Some(running) = self.running.get(&id) else {
            return;
        };
        let (traffic, news) = (self.traffic.clone(), self.happenings.0.clone());
        let (place, urls, attempt) = (running.place(), running.config.warm.clone(), running.attempt);
        let app = self.name.clone();
        self.tasks.spawn(async move {
            // The supervisor hears of it first when it is too late.
            let outcome = traffic.warm(&app, &place, &urls).await;
            let _ = news.send((id, Happening::Warmed(attempt, outcome)));
        });
    }

    fn published(&mut self, id: Id) {
        let Some(running) = self.running.get_mut(&id) else {
            return;
        };
        let (place, took) = (running.place(), running.began.elapsed());
        running.tell(Ok(format!("generation {id} serves, after {took:.1?}")));
        tracing::info!(app = &*self.name, generation = id, address = %place.address, ?took, "the application serves");
        self.publish.send_replace(Some(place));
    }

    fn drain(&mut self, id: Id) {
        let Some(running) = self.running.get(&id) else {
            return;
        };
        let (traffic, news) = (self.traffic.clone(), self.happenings.0.clone());
        let (address, limit) = (running.socket.address(), running.config.timeouts.drain);
        self.tasks.spawn(async move {
            // At the limit the supervisor goes on by itself.
            if tokio::time::timeout(limit, traffic.drained(&address))
                .await
                .is_ok()
            {
                let _ = news.send((id, Happening::Drained));
            }
        });
    }

    fn refused(&mut self, id: Id, refusal: Refusal) {
        let reason = match refusal {
            Refusal::Ended => "it ended before it was ready",
            Refusal::NotReady => "it was not ready in time (`timeouts.start`)",
            Refusal::NotWarm => "a request of `warm` was not answered as it should be",
            Refusal::Superseded => "a newer generation is wanted",
        };
        let lines = self.running.get_mut(&id).map(|running| {
            let lines = running.tail.lines();
            let last = lines
                .last()
                .map_or_else(String::new, |line| format!("; its last line: {line}"));
            running.tell(Err(format!(
                "generation {id} is refused, the one before goes on: {reason}{last}"
            )));
            lines
        });
        let app = &*self.name;
        if refusal == Refusal::Superseded {
            return tracing::info!(app, generation = id, reason, "given up");
        }
        tracing::error!(
            app,
            generation = id,
            reason,
            "the new generation is refused; the one before goes on"
        );
        for line in lines.unwrap_or_default() {
            tracing::error!(app, generation = id, "its last lines: {line}");
        }
    }

    fn ask(&self, id: Id, request: Request) {
        let running = self.running.get(&id);
        match running.and_then(|running| running.requests.as_ref()) {
            Some(requests) => {
                let _ = requests.send(request);
            }
            // It is about to be started: then it ends before it has begun.
            None => {
                let _ = self.happenings.0.send((
                    id,
                    Happening::Exited(Exit::NotStarted("no longer wanted".to_owned())),
                ));
            }
        }
    }
}

impl Running {
    /// Tells what has come of it, once.
    fn tell(&mut self, outcome: Result<String, String>) {
        if let Some(asked) = self.outcome.take() {
            // Whatever asked may have gone.
            let _ = asked.send(outcome);
        }
    }

    fn place(&self) -> Place {
        Place {
            address: self.socket.address(),
            slots: self.config.kind.slots(&self.config),
        }
    }
}

/// Follows a process to its end.
struct Watch {
    id: Id,
    news: mpsc::UnboundedSender<News>,
    requests: mpsc::UnboundedReceiver<Request>,
    /// `None`: it says nothing of itself.
    notifications: Option<Notifications>,
    stop: Signal,
    orphans: Signal,
    limit: Duration,
}

impl Watch {
    async fn follow(mut self, mut process: AppProcess) {
        let mut is_ready = self.notifications.is_none();
        if is_ready {
            self.tell(Happening::Ready);
        }
        loop {
            tokio::select! {
                () = process.ended() => break,
                Some(request) = self.requests.recv() => match request {
                    Request::Stop => process.signal(self.stop),
                    Request::Kill => process.signal_group(Signal::KILL),
                },
                () = ready(self.notifications.as_ref()), if !is_ready => {
                    is_ready = true;
                    self.tell(Happening::Ready);
                }
            }
        }
        let exit = process.exit().await;
        tracing::debug!(pid = process.id(), %exit, "ended");
        self.tell(Happening::Exited(exit));
        process.finish(self.orphans, self.limit).await;
    }

    fn tell(&self, happening: Happening) {
        // At the end there is nothing left to tell.
        let _ = self.news.send((self.id, happening));
    }
}

async fn ready(notifications: Option<&Notifications>) {
    let heard = match notifications {
        Some(notifications) => notifications.ready().await,
        None => pending().await,
    };
    if let Err(error) = heard {
        tracing::warn!(%error, "the application cannot be heard");
        pending::<()>().await;
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

fn deadlines(config: &AppConfig) -> Deadlines {
    let timeouts = &config.timeouts;
    Deadlines {
        start: timeouts.start,
        drain: timeouts.drain,
        stop: timeouts.stop,
    }
}
