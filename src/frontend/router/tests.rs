//! Which of several routes is found.

use std::net::IpAddr;

use http::Method;

use super::*;
use crate::frontend::condition::Wanted;
use crate::protocol::RequestHead;
use crate::protocol::fields::Fields;
use crate::protocol::samples;

struct Request {
    host: &'static str,
    head: RequestHead,
}

impl Conditional for Request {
    fn head(&self) -> &RequestHead {
        &self.head
    }

    fn client(&self) -> Option<IpAddr> {
        None
    }

    fn is_secure(&self) -> bool {
        false
    }

    fn port(&self) -> Option<u16> {
        None
    }

    fn listener(&self) -> Option<&str> {
        None
    }
}

impl Asked for Request {
    fn host(&self) -> &[u8] {
        self.host.as_bytes()
    }
}

fn request(host: &'static str) -> Request {
    let mut head = samples::request(Method::GET);
    head.fields = Fields::from_iter([("x-beta", "1")]);
    Request { host, head }
}

fn pattern(text: &str) -> Pattern {
    Pattern::new(text).unwrap().unwrap()
}

fn route(host: Vec<Host>, path: Path) -> Route {
    Route {
        host,
        path,
        ..Route::default()
    }
}

fn prefix(path: &str) -> Path {
    Path::Prefix(path.to_owned())
}

/// The numbers of the routes that would do, in their order; the first is what is found.
fn order(routes: &[Route], host: &'static str, path: &str) -> Vec<usize> {
    let numbered = routes.iter().enumerate();
    let router = Router::new(numbered.map(|(at, route)| (route, Arc::new(at))).collect());
    let request = request(host);
    let found = router.find(&request, path.as_bytes()).map(|route| **route);
    let candidates = router.candidates(&request, path.as_bytes());
    let candidates: Vec<usize> = candidates.iter().map(|route| ***route).collect();
    assert_eq!(found, candidates.first().copied(), "{host}{path}");
    candidates
}

fn first(routes: &[Route], host: &'static str, path: &str) -> Option<usize> {
    order(routes, host, path).first().copied()
}

#[test]
fn the_most_specific_host_then_the_longest_path() {
    let exact = vec![Host::Exact("shop.example".into())];
    let suffix = |text: &str| vec![Host::Suffix(text.into())];
    let routes = [
        route(vec![], prefix("/")),
        route(vec![], prefix("/api")),
        route(exact.clone(), prefix("/")),
        route(exact, prefix("/admin")),
        route(suffix(".example"), prefix("/")),
        route(suffix(".shop.example"), prefix("/")),
        route(suffix(".example"), prefix("/api")),
    ];
    for (host, path, found) in [
        ("other.test", "/x", 0),
        ("other.test", "/api/x", 1),
        ("other.test", "/apix", 0),
        ("Shop.Example", "/", 2),
        ("shop.example", "/admin", 3),
        ("a.example", "/", 4),
        ("a.shop.example", "/", 5),
        ("a.example", "/api", 6),
        (".example", "/", 0),
        ("shop.example", "", 2),
    ] {
        assert_eq!(first(&routes, host, path), Some(found), "{host}{path}");
    }
}

#[test]
fn a_route_has_several_hosts_and_patterns_come_behind_names() {
    let routes = [
        route(vec![Host::Pattern(pattern("~ ^(www|shop)\\."))], prefix("/")),
        route(
            vec![
                Host::Exact("shop.example".into()),
                Host::Suffix(".shop.example".into()),
            ],
            prefix("/"),
        ),
    ];
    for (host, found) in [
        ("shop.example", Some(1)),
        ("a.shop.example", Some(1)),
        ("www.shop.example", Some(1)),
        ("WWW.other.example", Some(0)),
        ("other.example", None),
    ] {
        assert_eq!(first(&routes, host, "/"), found, "{host}");
    }
}

#[test]
fn paths_are_asked_in_the_order_of_nginx() {
    let routes = [
        route(vec![], prefix("/")),
        route(vec![], Path::Pattern(pattern(r"~ \.php$"))),
        route(vec![], Path::Suffix(".css".into())),
        route(vec![], Path::FirmPrefix("/static".into())),
        route(vec![], Path::Exact("/index.php".into())),
        route(vec![], Path::Pattern(pattern(r"~ ^/index"))),
        route(vec![], prefix("/static/php")),
        route(vec![], Path::Suffix(".min.css".into())),
        route(vec![], Path::Named("app".into())),
    ];
    for (path, expected) in [
        ("/", &[0][..]),
        ("/a.php", &[1, 0]),
        ("/index.php", &[4, 1, 5, 0]),
        ("/a.css", &[2, 0]),
        ("/a.min.css", &[7, 2, 0]),
        ("/static/a.php", &[3, 1, 0]),
        ("/static/php/a.php", &[1, 6, 3, 0]),
        ("@app", &[]),
    ] {
        assert_eq!(order(&routes, "", path), expected, "{path}");
    }
}

#[test]
fn more_conditions_come_first_and_then_the_order_of_the_file() {
    let wanted = |value: &str| vec![("x-beta".to_owned(), Wanted::Text(value.to_owned()))];
    let when = |value: &str, method: &[Method]| Route {
        when: When {
            header: wanted(value),
            method: method.to_vec(),
            ..When::default()
        },
        ..Route::default()
    };
    let routes = [
        Route::default(),
        when("1", &[]),
        when("1", &[Method::GET]),
        when("2", &[]),
        when("1", &[]),
    ];
    assert_eq!(order(&routes, "", "/"), [2, 1, 4, 0]);
}

#[test]
fn where_a_host_has_no_rule_for_a_path_the_next_one_is_asked() {
    let shop = || vec![Host::Exact("shop.example".into())];
    let routes = [
        route(shop(), Path::Exact("/a".into())),
        route(vec![], prefix("/")),
    ];
    assert_eq!(order(&routes, "shop.example", "/a"), [0, 1]);
    assert_eq!(order(&routes, "shop.example", "/b"), [1]);
}
