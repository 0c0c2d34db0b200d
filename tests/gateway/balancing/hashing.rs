//! Similar requests to the same endpoint.

use super::Farm;
use super::{get, who};

#[test]
fn each_path_has_its_endpoint_and_only_those_of_a_stopped_one_move() {
    let farm = Farm::new(&["a", "b", "c"]);
    let gateway = farm.gateway(&["", "", ""], "balance = \"hash uri\"");
    let targets: Vec<String> = (0..30).map(|number| format!("/page/{number}")).collect();
    let homes: Vec<String> = targets.iter().map(|target| who(&gateway, target)).collect();
    for name in ["a", "b", "c"] {
        assert!(homes.iter().any(|home| home == name), "{homes:?}");
    }
    for (target, home) in targets.iter().zip(&homes) {
        assert_eq!(who(&gateway, &format!("{target}?again")), *home);
        assert_eq!(who(&gateway, &target.replace("/page", "//p%61ge/x/..")), *home);
    }
    farm.stop("b");
    for (target, home) in targets.iter().zip(&homes) {
        let now = who(&gateway, target);
        assert!(
            now == *home || home == "b" && now != "b",
            "{target}: {home}, then {now}"
        );
    }
}

#[test]
fn requests_without_the_hashed_cookie_have_their_turns() {
    let farm = Farm::new(&["a", "b"]);
    let gateway = farm.gateway(&["", ""], "balance = \"hash $cookie_user\"");
    assert_ne!(who(&gateway, "/"), who(&gateway, "/"));
    let of = |user: &str| get(&gateway, "/", &[("cookie", &format!("x=1; user={user}"))]).text();
    for user in ["ada", "grace", "joan"] {
        assert_eq!(of(user), of(user));
    }
}
