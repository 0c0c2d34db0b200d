//! The life of a gateway between its first and its last connection: what signals do.

use std::future::pending;
use std::pin::Pin;

use anyhow::{Context, Result};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::control::{Asked, Control, ControlRequest};
use super::handover::Given;
use super::open::{PidFile, Reload, Source};
use super::renewal::Renewal;
use super::reopening::{Reopened, Reopening};
use super::replacement::{Program, Replacement, Successor};
use super::signals::{SignalAction, Signals};
use super::{App, Ended, notify};
use crate::telemetry::log::ErrorLog;
use crate::transport::{InheritedSocket, Lender};

/// What is needed to do as signals ask. Without it they are refused with a message.
#[derive(Clone, Copy, Default)]
pub struct Means<'a> {
    /// USR1 and HUP: the error log.
    pub error_log: Option<&'a ErrorLog>,
    /// HUP: the configuration.
    pub source: Option<&'a Source>,
    /// USR2: what to start.
    pub program: Option<&'a Program>,
}

/// A running gateway.
struct Running<'a> {
    app: &'a mut App,
    means: Means<'a>,
    replacement: Option<Replacement>,
    /// What is being opened.
    opening: Option<Pin<Box<dyn Future<Output = Change>>>>,
    /// Asked for meanwhile, each once.
    later: Vec<SignalAction>,
    /// No client is let in any more, and then everything ends.
    deadline: Option<Instant>,
    /// The next look at the certificates.
    renewal: Renewal,
    /// What operators ask, where there are applications.
    control: Option<Control>,
}

/// What was opened for a signal.
enum Change {
    Reload(Result<Box<Reload>>),
    Reopen(Box<Reopened>),
}

impl App {
    /// Serves until SIGTERM or SIGQUIT (drain, then stop) or SIGINT (stop at once). SIGUSR1 opens the logs again,
    /// SIGHUP loads the configuration again, SIGUSR2 replaces the process.
    ///
    /// Afterwards nothing is served any more. What was cut leaves its lines in the access log as long as the
    /// application exists.
    pub async fn run(&mut self, signals: &mut Signals, means: Means<'_>) -> Ended {
        if let Some(log) = means.error_log {
            self.counters.attach_error_log(log.sink());
        }
        let succeeds = self.predecessor.is_some();
        self.accept();
        if !succeeds {
            // Else the process before us tells it: we are not listened to yet.
            notify::ready();
        }
        let mut heartbeat = heartbeat();
        let mut running = Running {
            renewal: Renewal::of(self),
            app: self,
            means,
            replacement: None,
            opening: None,
            later: Vec::new(),
            deadline: None,
            control: None,
        };
        running.hear();
        loop {
            let kept = running.app.keeping.changed();
            tokio::select! {
                action = signals.next() => {
                    if let Some(ended) = running.action(action).await {
                        return ended;
                    }
                }
                ended = left(running.app, running.deadline) => {
                    running.farewell(signals).await;
                    return ended;
                }
                outcome = outcome(&mut running.replacement) => running.replaced(outcome),
                change = opened(&mut running.opening) => running.changed(change),
                refreshed = running.renewal.next() => {
                    running.app.renewed(refreshed);
                    running.renewal = Renewal::of(running.app);
                }
                () = kept => running.renewal = Renewal::now(running.app),
                asked = asked(&mut running.control) => running.asked(asked),
                () = beat(&mut heartbeat) => notify::alive(),
            }
        }
    }
}

impl Running<'_> {
    /// Does as a signal asks; gives the end, if that is what was asked for.
    async fn action(&mut self, action: SignalAction) -> Option<Ended> {
        match action {
            SignalAction::Drain => self.drain().await,
            SignalAction::Stop => {
                self.give_up_replacement().await;
                return Some(self.app.ended());
            }
            SignalAction::Reopen | SignalAction::Reload | SignalAction::Replace => self.change(action),
        }
        None
    }

    /// Begins what a signal asks for, or does so when what is being opened is open.
    fn change(&mut self, action: SignalAction) {
        if self.opening.is_some() {
            if !self.later.contains(&action) {
                self.later.push(action);
            }
            return;
        }
        match action {
            SignalAction::Reopen => self.reopen(),
            SignalAction::Reload => self.reload(),
            SignalAction::Replace => self.replace(),
            SignalAction::Drain | SignalAction::Stop => {}
        }
    }

    /// Hears operators, as soon as there is something that they can ask for.
    fn hear(&mut self) {
        if self.control.is_some() || self.app.generation.config.apps.is_empty() {
            return;
        }
        match Control::open() {
            Ok(control) => self.control = Some(control),
            Err(error) => tracing::warn!(%error, "`bridgehead app` does not work"),
        }
    }

    fn asked(&mut self, Asked { request, answer }: Asked) {
        let ControlRequest::Restart(name) = request;
        match self.deadline {
            None => self.app.children.restart(&name, answer),
            Some(_) => {
                let _ = answer.send(Err("the gateway is ending".to_owned()));
            }
        }
    }

    /// Ends the applications, unless haste is asked for.
    async fn farewell(&mut self, signals: &mut Signals) {
        let stopping = self.app.children.stop();
        tokio::pin!(stopping);
        loop {
            tokio::select! {
                () = &mut stopping => return,
                action = signals.next() => if action == SignalAction::Stop {
                    return;
                }
            }
        }
    }

    async fn drain(&mut self) {
        tracing::info!("stopping; waiting for open exchanges");
        notify::stopping();
        self.later.clear();
        if self.opening.take().is_some() {
            tracing::warn!("what was being opened is given up");
        }
        self.give_up_replacement().await;
        self.app.keeping.stop();
        self.app.server.close(|_| false);
        let limit = self.app.generation.config.frontend.timeouts.drain;
        let deadline = Instant::now() + limit;
        self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
    }

    fn reopen(&mut self) {
        let config = &self.app.generation.config;
        let reopening = Reopening::begin(
            &self.app.opener,
            &config.log,
            self.app.logs.sites(),
            config.frontend.timeouts.open,
        );
        self.opening = Some(Box::pin(async {
            Change::Reopen(Box::new(reopening.outcome().await))
        }));
    }

    fn reload(&mut self) {
        let Some(source) = self.means.source else {
            return tracing::warn!("SIGHUP ignored: restart to load the configuration again");
        };
        if !self.is_serving("SIGHUP") {
            return;
        }
        notify::reloading();
        let opening = self.app.reload(source, self.means.error_log.is_some());
        self.opening = Some(Box::pin(async {
            Change::Reload(match opening {
                Ok(opening) => opening.outcome().await.map(Box::new),
                Err(error) => Err(error),
            })
        }));
    }

    /// What a signal asked for is open, or cannot be opened.
    fn changed(&mut self, change: Change) {
        self.opening = None;
        match change {
            Change::Reload(opened) => self.reloaded(opened),
            Change::Reopen(reopened) => reopened.apply(&self.app.logs, self.means.error_log),
        }
        for action in std::mem::take(&mut self.later) {
            self.change(action);
        }
    }

    fn reloaded(&mut self, opened: Result<Box<Reload>>) {
        let log = self.means.error_log;
        match opened.and_then(|opened| self.app.reloaded(*opened, log)) {
            Ok(()) => {
                tracing::info!("configuration loaded again");
                self.hear();
                self.renewal = Renewal::of(self.app);
            }
            Err(error) => {
                complain(&format!("{error:#}"));
                tracing::error!("the configuration was not loaded; everything stays as it was");
            }
        }
        notify::ready();
    }

    fn replace(&mut self) {
        let Some(program) = self.means.program else {
            return tracing::warn!("SIGUSR2 ignored: restart to replace the program");
        };
        if !self.is_serving("SIGUSR2") {
            return;
        }
        let limit = self.app.generation.config.frontend.timeouts.replace;
        let begun = given(self.app).and_then(|given| Replacement::begin(program, given, limit));
        match begun {
            Ok(replacement) => self.replacement = Some(replacement),
            Err(error) => self.not_replaced(&error),
        }
    }

    /// The new process serves, or does not.
    fn replaced(&mut self, outcome: Result<Successor>) {
        self.replacement = None;
        let Successor { pid, taken } = match outcome {
            Ok(successor) => successor,
            Err(error) => return self.not_replaced(&error),
        };
        notify::replaced_by(pid);
        self.app.keeping.stop();
        tracing::info!(pid, "replaced; waiting for open exchanges");
        for (place, listening) in self.app.server.listening().iter().enumerate() {
            if taken.contains(&place) {
                listening.listener.share();
            }
        }
        self.app.server.close(|_| false);
        let limit = self.app.generation.config.frontend.timeouts.generation;
        self.deadline = Some(Instant::now() + limit);
    }

    fn not_replaced(&self, error: &anyhow::Error) {
        complain(&format!("{error:#}"));
        tracing::error!("the process was not replaced; it goes on as it was");
        // The other one may have got as far as that.
        let restored = self.app.pid_file.as_ref().map_or(Ok(()), PidFile::restore);
        if let Err(error) = restored {
            tracing::error!(error = format!("{error:#}"), "another process id may stand there");
        }
    }

    async fn give_up_replacement(&mut self) {
        if let Some(replacement) = self.replacement.take() {
            replacement.give_up().await;
        }
    }

    /// Whether nothing else is going on.
    fn is_serving(&self, signal: &str) -> bool {
        let reason = match (&self.replacement, self.deadline) {
            (Some(_), _) => "a replacement is starting",
            (None, Some(_)) => "the process is ending",
            (None, None) => return true,
        };
        tracing::warn!(signal, reason, "not now");
        false
    }
}

/// What another process goes on with.
fn given(app: &App) -> Result<Given> {
    Ok(Given {
        sockets: sockets(app)?,
        dns: app.dns.duplicate().context("cannot duplicate a socket")?,
        ticket_keys: Some(app.tls.context.keys()).filter(|keys| !keys.is_empty()),
    })
}

/// The listening sockets.
fn sockets(app: &App) -> Result<Vec<InheritedSocket>> {
    let listening = app.server.listening().iter();
    listening
        .map(|listening| {
            Ok(InheritedSocket {
                address: listening.config().address.clone(),
                socket: listening
                    .listener
                    .duplicate()
                    .context("cannot duplicate a socket")?,
                owns_file: listening.listener.owns_file(),
                lender: match listening.listener.lender() {
                    Some(Lender::Manager) => Lender::Manager,
                    Some(Lender::Predecessor) | None => Lender::Predecessor,
                },
            })
        })
        .collect()
}

/// A diagnostic of several lines, each of them an event.
fn complain(text: &str) {
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        tracing::error!("{line}");
    }
}

/// The end, once there is a deadline.
async fn left(app: &mut App, deadline: Option<Instant>) -> Ended {
    let Some(deadline) = deadline else {
        return pending().await;
    };
    tokio::select! {
        () = app.empty() => {}
        () = sleep_until(deadline) => {}
    }
    app.ended()
}

async fn asked(control: &mut Option<Control>) -> Asked {
    match control {
        Some(control) => control.next().await,
        None => pending().await,
    }
}

async fn opened(opening: &mut Option<Pin<Box<dyn Future<Output = Change>>>>) -> Change {
    match opening {
        Some(opening) => opening.await,
        None => pending().await,
    }
}

async fn outcome(replacement: &mut Option<Replacement>) -> Result<Successor> {
    match replacement {
        Some(replacement) => replacement.outcome().await,
        None => pending().await,
    }
}

fn heartbeat() -> Option<Interval> {
    let mut beats = interval(notify::heartbeat().filter(|period| !period.is_zero())?);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Some(beats)
}

async fn beat(heartbeat: &mut Option<Interval>) {
    match heartbeat {
        Some(beats) => {
            beats.tick().await;
        }
        None => pending().await,
    }
}
