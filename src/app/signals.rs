//! What an operator can ask for with kill(1).

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
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
    caught: [(Signal, Wish); 6],
}

impl Signals {
    /// Catches them. To be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the system does not permit it.
    pub fn install() -> io::Result<Self> {
        let catch = |kind, wish| Ok::<_, io::Error>((signal(kind)?, wish));
        Ok(Self {
            caught: [
                catch(SignalKind::terminate(), Wish::Drain)?,
                catch(SignalKind::quit(), Wish::Drain)?,
                catch(SignalKind::interrupt(), Wish::Stop)?,
                catch(SignalKind::user_defined1(), Wish::Reopen)?,
                catch(SignalKind::hangup(), Wish::Reload)?,
                catch(SignalKind::user_defined2(), Wish::Replace)?,
            ],
        })
    }

    /// Waits until the end is asked for; all others stay for [`App::run`](super::App::run).
    pub async fn stop(&mut self) {
        self.among(|wish| matches!(wish, Wish::Drain | Wish::Stop)).await;
    }

    /// The next wish.
    pub(super) async fn next(&mut self) -> Wish {
        self.among(|_| true).await
    }

    async fn among(&mut self, wanted: impl Fn(Wish) -> bool) -> Wish {
        std::future::poll_fn(|cx| {
            for (signal, wish) in &mut self.caught {
                if wanted(*wish) && signal.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready(*wish);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}
