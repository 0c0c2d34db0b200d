//! The program, from its start to its end.

use std::io;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::output::Output;
use super::{Action, HookConfig, HookError};

/// What our own start was told, which is not for others.
const OURS: [&str; 5] = [
    "LISTEN_FDS",
    "LISTEN_PID",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "SSLKEYLOGFILE",
];

/// A program that runs, in a process group of its own. Dropped before its end, all of the group is killed.
struct Running {
    child: Child,
    group: Option<Pid>,
}

/// Has the program do something, and waits for its end.
pub(super) async fn run(
    hook: &HookConfig,
    action: Action,
    domain: &str,
    value: &str,
) -> Result<(), HookError> {
    let program = hook.program.clone();
    let (mut running, mut output) = match start(hook, action, domain, value) {
        Ok(started) => started,
        Err(cause) => return Err(HookError::Start { program, cause }),
    };
    match timeout(hook.timeout, running.end(&mut output)).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(HookError::Failed {
            program,
            action,
            status,
            output: output.into_text(),
        }),
        Ok(Err(cause)) => Err(HookError::Start { program, cause }),
        Err(_) => {
            running.kill().await;
            Err(HookError::Late {
                program,
                action,
                limit: hook.timeout,
                output: output.into_text(),
            })
        }
    }
}

fn start(hook: &HookConfig, action: Action, domain: &str, value: &str) -> io::Result<(Running, Output)> {
    let (reader, writer) = io::pipe()?;
    let (action, record) = (action.to_string(), format!("_acme-challenge.{domain}."));
    let mut command = Command::new(&hook.program);
    command
        .args(&hook.arguments)
        .args([&*action, &record, value])
        .env("ACME_ACTION", &action)
        .env("ACME_DOMAIN", domain)
        .env("ACME_RECORD", &record)
        .env("ACME_VALUE", value)
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .kill_on_drop(true);
    for variable in OURS {
        command.env_remove(variable);
    }
    let child = command.spawn()?;
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    Ok((Running { child, group }, Output::of(reader)?))
}

impl Running {
    /// Reads what it writes until it has ended.
    async fn end(&mut self, output: &mut Output) -> io::Result<ExitStatus> {
        loop {
            tokio::select! {
                status = self.child.wait() => {
                    // Its number may be another one's from now on.
                    self.group = None;
                    return status;
                }
                () = output.read(), if !output.has_ended() => {}
            }
        }
    }

    async fn kill(&mut self) {
        self.kill_group();
        let _ = self.child.wait().await;
        self.group = None;
    }

    fn kill_group(&self) {
        if let Some(group) = self.group {
            // Ended already is as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill_group();
    }
}
