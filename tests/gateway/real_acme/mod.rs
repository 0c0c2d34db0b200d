//! Certificates by themselves, from a real directory: pebble.

mod orders;
mod site;

use site::Site;
