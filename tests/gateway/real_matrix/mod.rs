//! Every feature on every real server.
//!
//! A feature is a function over a [`Site`] and written once. A server is started once for a whole table of them,
//! and a test names all that fail. What a server is known to do differently is in [`deviation`].
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod answer;
mod deviation;
mod environment;
mod failure;
mod lifecycle;
mod limit;
mod site;
mod upload;

use std::panic::{AssertUnwindSafe, catch_unwind};

use site::Site;
use testbed::Kind;

macro_rules! features {
    ($($module:ident::$feature:ident),* $(,)?) => {
        &[$((stringify!($feature), |site| $module::$feature(site))),*]
    };
}

type Feature = (&'static str, fn(&mut Site));

const FEATURES: &[Feature] = features![
    environment::the_request_is_described,
    environment::both_ends_of_the_connection_are_described,
    environment::fields_become_variables_once,
    environment::forged_fields_are_dropped,
    environment::a_length_is_sent_only_with_a_body,
    environment::an_application_at_the_root_sees_the_whole_path,
    upload::every_method_reaches_the_application,
    upload::an_empty_body_stays_empty,
    upload::bodies_of_any_size_come_back,
    upload::chunked_bodies_come_back,
    upload::unbuffered_bodies_come_back,
    upload::an_upload_arrives_unchanged,
    upload::a_client_may_wait_for_the_invitation,
    upload::http2_carries_the_same,
    answer::a_download_arrives_unchanged,
    answer::statuses_are_kept,
    answer::head_is_get_without_its_body,
    answer::cookies_stay_apart_and_in_order,
    answer::a_redirect_reaches_the_client,
    answer::a_large_head_passes_and_a_larger_one_is_refused,
    answer::a_stream_arrives_piece_by_piece,
    answer::events_are_not_held_back,
    answer::a_client_that_leaves_ends_the_exchange,
    failure::an_error_page_passes,
    failure::a_dead_application_is_a_bad_gateway,
    failure::a_broken_answer_never_looks_complete,
    failure::what_the_application_logs_is_logged_in_lines,
    failure::an_unread_body_does_no_harm,
    limit::variables_beyond_the_backends_limit_are_refused,
    lifecycle::kept_connections_are_used_again,
];

const LIFECYCLE: &[Feature] = features![
    lifecycle::a_crowd_queues,
    lifecycle::a_restart_between_requests_is_not_visible,
    lifecycle::a_reload_between_requests_is_not_visible,
    lifecycle::a_reload_under_load_is_not_visible,
];

/// Tries every feature, and fails with the names of those that did.
fn check(mut site: Site, features: &[Feature]) {
    let mut failed = Vec::new();
    for (name, feature) in features {
        if catch_unwind(AssertUnwindSafe(|| feature(&mut site))).is_err() {
            eprintln!("^^^ {name}");
            failed.push(*name);
        }
    }
    if !failed.is_empty() {
        panic!(
            "{} fails: {}; its log:\n{}",
            site.kind,
            failed.join(", "),
            site.backend.log()
        );
    }
}

macro_rules! servers {
    ($($server:ident: $kind:ident,)*) => {
        /// A connection for every request.
        mod fresh {
            use super::*;
            $(#[test] fn $server() { check(Site::start(Kind::$kind, 4, 0), FEATURES); })*
        }
        /// Up to two connections wait for the next request.
        mod kept {
            use super::*;
            $(#[test] fn $server() { check(Site::start(Kind::$kind, 4, 2), FEATURES); })*
        }
        /// Two workers, all of whose connections may be kept.
        mod life {
            use super::*;
            $(#[test] fn $server() { check(Site::start(Kind::$kind, 2, 2), LIFECYCLE); })*
        }
        #[test]
        fn every_server_is_in_the_matrix() {
            assert_eq!([$(Kind::$kind),*], Kind::ALL);
        }
    };
}

servers! {
    php_fpm: PhpFpm,
    php_cgi: PhpCgi,
    uwsgi: UwsgiUwsgi,
    uwsgi_scgi: UwsgiScgi,
    uwsgi_fastcgi: UwsgiFastcgi,
    uwsgi_http: UwsgiHttp,
    gunicorn_http: GunicornHttp,
    gunicorn_uwsgi: GunicornUwsgi,
    fcgiwrap: Fcgiwrap,
}
