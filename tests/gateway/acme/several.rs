//! Two gateways with one store.

use testbed::{DirectoryScript, Gateway, Signal};

use super::Site;
use super::site::free;
use crate::start;

#[test]
fn two_gateways_make_one_order_and_answer_for_each_other() {
    let (http, https) = (free(), free());
    // The directory always comes to the second one.
    let site = Site::new(DirectoryScript {
        http: Some(http),
        ..DirectoryScript::default()
    });
    let url = site.directory.url();
    let directory = format!("[[acme.directory]]\nurl = \"{url}\"\n");
    let second: Gateway = start(&site.config_at(http, https, &directory));
    let first = site.start("", "");
    site.wait(&first, "no certificate at the first", || site.believed());
    site.wait(&second, "no certificate at the second", || {
        site.believed_at(https)
    });
    assert_eq!(site.directory.orders().len(), 1);
    assert_eq!(site.directory.accounts(), 1);
}

#[test]
fn a_process_that_takes_the_place_of_another_serves_what_that_got() {
    let site = Site::new(DirectoryScript::default());
    let mut gateway = site.start("", "");
    site.wait_certificate(&gateway);
    gateway.signal(Signal::USR2).unwrap();
    gateway.follow().unwrap();
    assert!(site.believed());
    assert_eq!(site.directory.orders().len(), 1);
}
