//! The first process of a container: it starts the gateway, hands signals on, and buries what others have left behind.
//!
//! The kernel gives every orphan to process 1, which has to wait for it; and it keeps signals from process 1 that this does
//! not catch. The gateway does neither, so that it is an ordinary process everywhere: it starts itself once more, and only the
//! copy is the gateway. When that is replaced, as `MAINPID=` of sd_notify(3) says, signals go to the new one.

mod messages;

use std::io;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, test_kill_process, wait};
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal as Caught, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use messages::{Messages, SOCKET};

/// Whether this process is the first one, and the gateway is to be another one. Sockets of a service manager are for this very
/// process: with these it is the gateway itself.
pub fn is_wanted() -> bool {
    std::process::id() == 1 && std::env::var_os("LISTEN_FDS").is_none()
}

/// Runs this program with these words again, until it and what has replaced it have ended; gives the exit code.
///
/// # Errors
///
/// When it cannot be started, or signals cannot be caught.
pub fn run(words: impl Iterator<Item = std::ffi::OsString>) -> io::Result<ExitCode> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let messages = Messages::open()?;
        let mut command = Command::new("/proc/self/exe");
        command.args(words).env(SOCKET, messages.name());
        let mut signals = signals()?;
        let mut deaths = signal(SignalKind::child())?;
        // Waited for with all others.
        let mut main = Pid::from_child(&command.spawn()?);
        loop {
            tokio::select! {
                Some(signal) = signals.1.recv() => {
                    // Gone is as good: its end is on its way.
                    let _ = kill_process(main, signal);
                }
                _ = deaths.recv() => if let Some(code) = bury(main) {
                    return Ok(code);
                },
                successor = messages.successor(main) => {
                    main = successor?;
                    // It may have ended already.
                    if test_kill_process(main).is_err() {
                        return Ok(ExitCode::FAILURE);
                    }
                }
            }
        }
    })
}

/// The signals that the gateway knows.
fn signals() -> io::Result<(JoinSet<()>, mpsc::UnboundedReceiver<Signal>)> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for (kind, number) in [
        (SignalKind::terminate(), Signal::TERM),
        (SignalKind::quit(), Signal::QUIT),
        (SignalKind::interrupt(), Signal::INT),
        (SignalKind::hangup(), Signal::HUP),
        (SignalKind::user_defined1(), Signal::USR1),
        (SignalKind::user_defined2(), Signal::USR2),
    ] {
        let mut caught: Caught = signal(kind)?;
        let sender = sender.clone();
        tasks.spawn(async move { while caught.recv().await.is_some() && sender.send(number).is_ok() {} });
    }
    Ok((tasks, receiver))
}

/// Waits for all that have ended; gives the exit code of the gateway, if it is among them.
fn bury(main: Pid) -> Option<ExitCode> {
    let mut code = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == main {
            code = Some(exit_code(status));
        }
    }
    code
}

/// As shells have it: of a signal, 128 and its number.
fn exit_code(status: WaitStatus) -> ExitCode {
    let signal = status.terminating_signal().map(|signal| 128 + signal);
    let code = status.exit_status().or(signal).unwrap_or(1);
    u8::try_from(code).unwrap_or(1).into()
}
