//! The command lines.

use super::*;

fn config(kind: Kind) -> AppConfig {
    AppConfig {
        application: Some("shop:app".to_owned()),
        workers: 3,
        threads: 2,
        args: vec!["--more".to_owned()],
        ..AppConfig::new("shop", kind, "/nonexistent".into())
    }
}

fn plan(config: &AppConfig) -> (Plan, String) {
    let paths = Paths {
        socket: "/run/shop.1.sock".into(),
        configuration: "/run/shop.1.conf".into(),
    };
    let plan = Plan::make(config, &paths, false);
    let words: Vec<_> = plan
        .words
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let line = words.join(" ");
    (plan, line)
}

#[test]
fn servers_take_the_socket_as_each_of_them_can() {
    for (kind, words) in [
        (
            Kind::Gunicorn,
            "gunicorn --workers 3 --threads 2 --graceful-timeout 15 --more shop:app",
        ),
        (
            Kind::Uvicorn,
            "uvicorn --fd 3 --workers 3 --forwarded-allow-ips * --more shop:app",
        ),
        (
            Kind::Hypercorn,
            "hypercorn --bind fd://3 --workers 3 --graceful-timeout 15 --more shop:app",
        ),
        (
            Kind::Granian,
            "granian --uds /run/shop.1.sock --workers 3 --interface asgi --more shop:app",
        ),
    ] {
        assert_eq!(plan(&config(kind)).1, words);
    }
    let (uwsgi, words) = plan(&config(Kind::Uwsgi));
    assert!(
        words.starts_with("uwsgi --more --socket fd://3 --module shop:app --master --processes 3"),
        "{words}"
    );
    assert_eq!(uwsgi.orphans, Signal::HUP);
}

#[test]
fn php_fpm_gets_a_pool_that_listens_on_the_descriptor() {
    let fpm = AppConfig {
        program: Some("/opt/php-fpm".into()),
        ..config(Kind::PhpFpm)
    };
    let (plan, words) = plan(&fpm);
    assert_eq!(
        words,
        "/opt/php-fpm --nodaemonize --fpm-config /run/shop.1.conf --more"
    );
    assert_eq!(plan.env, [("FPM_SOCKETS".to_owned(), "/run/shop.1.fpm=3".into())]);
    let (path, pool) = &plan.files[0];
    assert_eq!(path, Path::new("/run/shop.1.conf"));
    for line in [
        "[shop]",
        "listen = /run/shop.1.fpm",
        "pm.max_children = 3",
        "process_control_timeout = 10s",
    ] {
        assert!(pool.lines().any(|found| found == line), "{line} in {pool}");
    }
}

#[test]
fn a_command_is_told_where_to_listen() {
    let command = AppConfig {
        command: ["node", "server.js", "--fd={fd}"].map(str::to_owned).into(),
        stop_signal: Some(StopSignal::Int),
        ..config(Kind::Command)
    };
    let (made, words) = plan(&command);
    assert_eq!(words, "node server.js --fd=3 --more");
    assert_eq!((made.stop, super::binds(&command)), (Signal::INT, false));
    let binds = AppConfig {
        command: ["serve", "{socket}"].map(str::to_owned).into(),
        ..config(Kind::Command)
    };
    let (_, words) = plan(&binds);
    assert_eq!(
        (words.as_str(), super::binds(&binds)),
        ("serve /run/shop.1.sock --more", true)
    );
}

#[test]
fn slots_are_known_where_a_worker_answers_one_request_at_a_time() {
    assert_eq!(Kind::Gunicorn.slots(&config(Kind::Gunicorn)), Some(6));
    assert_eq!(Kind::Uvicorn.slots(&config(Kind::Uvicorn)), None);
}
