use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::*;

/// A hook that is a shell script; `DIR` in it is a directory, in which the file `calls` has a line for each call.
fn hook(script: &str) -> (Hook, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hook.sh");
    let script = script.replace("DIR", dir.path().to_str().unwrap());
    fs::write(&file, script).unwrap();
    let hook = Hook::new(HookConfig {
        program: "/bin/sh".into(),
        arguments: vec![file.display().to_string(), "zone".into()],
        timeout: Duration::from_secs(60),
        ..HookConfig::default()
    });
    (hook, dir)
}

fn calls(dir: &TempDir) -> Vec<String> {
    let text = fs::read_to_string(dir.path().join("calls")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Waits for calls.
async fn wait_for(dir: &TempDir, count: usize) {
    let called = async {
        while calls(dir).len() < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(20), called).await.unwrap();
}

#[tokio::test]
async fn the_program_is_told_by_arguments_and_by_its_environment() {
    let (hook, dir) = hook(
        "echo \"$@ $ACME_ACTION $ACME_DOMAIN $ACME_RECORD $ACME_VALUE ${NOTIFY_SOCKET-none}\" >> DIR/calls\n",
    );
    hook.present("shop.example", "digest").await.unwrap();
    hook.cleanup("shop.example", "digest").await.unwrap();
    let call = |action: &str| {
        format!(
            "zone {action} _acme-challenge.shop.example. digest {action} shop.example \
             _acme-challenge.shop.example. digest none"
        )
    };
    assert_eq!(calls(&dir), [call("present"), call("cleanup")]);
}

#[tokio::test]
async fn a_failure_has_what_was_written_last() {
    let (hook, _dir) = hook(
        "i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done; echo no such zone >&2; exit 3\n",
    );
    let error = hook.present("shop.example", "digest").await.unwrap_err();
    assert_eq!(error.to_string(), "/bin/sh present: exit status: 3");
    let output = error.output().unwrap();
    assert!(
        output.ends_with("line 999\nno such zone") && output.len() <= 4096,
        "{output}"
    );
}

#[tokio::test]
async fn one_that_takes_too_long_is_killed_with_what_it_has_started() {
    let (hook, dir) = hook(
        "mkfifo DIR/pipe\n\
         (read nothing < DIR/pipe) &\necho $! > DIR/child\necho waiting\necho $2 >> DIR/calls\n\
         read nothing < DIR/pipe\n",
    );
    let order = tokio::spawn(async move { hook.present("shop.example", "digest").await });
    wait_for(&dir, 1).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    let error = order.await.unwrap().unwrap_err();
    let message = "/bin/sh present: not done within 60s; `timeout` says how long it may take";
    assert_eq!(error.to_string(), message);
    assert_eq!(error.output(), Some("waiting"));
    has_gone(&dir.path().join("child")).await;
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let missing = Hook::new(HookConfig {
        program: "/nonexistent/hook".into(),
        ..HookConfig::default()
    });
    let error = missing.present("shop.example", "digest").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot start /nonexistent/hook: No such file or directory (os error 2)"
    );
    assert_eq!(error.output(), None);
}

#[tokio::test]
async fn what_nothing_waits_for_any_more_is_killed() {
    let (hook, dir) =
        hook("mkfifo DIR/pipe\necho $$ > DIR/child\necho $2 >> DIR/calls\nread nothing < DIR/pipe\n");
    let (give_up, given_up) = oneshot::channel::<()>();
    let order = tokio::spawn(async move {
        tokio::select! {
            presented = hook.present("shop.example", "digest") => panic!("{presented:?}"),
            _ = given_up => {}
        }
    });
    wait_for(&dir, 1).await;
    give_up.send(()).unwrap();
    order.await.unwrap();
    has_gone(&dir.path().join("child")).await;
}

#[tokio::test]
async fn what_is_started_and_goes_on_is_not_waited_for() {
    let (hook, dir) = hook("sleep 60 &\necho $! > DIR/child\n");
    let presented = timeout(Duration::from_secs(20), hook.present("shop.example", "digest")).await;
    presented.unwrap().unwrap();
    kill(&dir.path().join("child"));
}

/// Waits until a process has ended whose number is in a file.
async fn has_gone(file: &Path) {
    let gone = async {
        while is_running(file) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(20), gone).await.unwrap();
}

fn pid(file: &Path) -> i32 {
    fs::read_to_string(file).unwrap().trim().parse().unwrap()
}

/// Whether the process whose number is in a file does something yet. What nothing waits for stays as a zombie.
fn is_running(file: &Path) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid(file))).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.starts_with('Z'));
    state == Some(false)
}

/// Ends the process whose number is in a file.
fn kill(file: &Path) {
    let pid = pid(file);
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}
