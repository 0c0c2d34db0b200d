//! What an operator can ask for with kill(1).

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignalAction {
    /// TERM, QUIT: finish what is open, then end.
    Drain,
    /// INT: end now.
    Stop,
    /// USR1: open the log files again.
    Reopen,
    /// HUP: load the configuration again.
    Reload,
    /// USR2: start the program again, which goes on in our place.
    Replace,
}

/// The signals that are caught from now on.
#[derive(Debug)]
pub struct Signals {
    caught: [(Signal, SignalAction); 6],
}

impl Signals {
    /// Catches them. To be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the system does not permit it.
    pub fn install() -> io::Result<Self> {
        let catch = |kind, action| Ok::<_, io::Error>((signal(kind)?, action));
        Ok(Self {
            caught: [
                catch(SignalKind::terminate(), SignalAction::Drain)?,
                catch(SignalKind::quit(), SignalAction::Drain)?,
                catch(SignalKind::interrupt(), SignalAction::Stop)?,
                catch(SignalKind::user_defined1(), SignalAction::Reopen)?,
                catch(SignalKind::hangup(), SignalAction::Reload)?,
                catch(SignalKind::user_defined2(), SignalAction::Replace)?,
            ],
        })
    }

    /// Waits until the end is asked for; all others stay for [`App::run`](super::App::run).
    pub async fn stop(&mut self) {
        self.among(|action| matches!(action, SignalAction::Drain | SignalAction::Stop))
            .await;
    }

    /// The next action.
    pub(super) async fn next(&mut self) -> SignalAction {
        self.among(|_| true).await
    }

    async fn among(&mut self, wanted: impl Fn(SignalAction) -> bool) -> SignalAction {
        std::future::poll_fn(|cx| {
            for (signal, action) in &mut self.caught {
                if wanted(*action) && signal.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready(*action);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}
