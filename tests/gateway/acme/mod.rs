//! Certificates by themselves, from a directory that follows a script.

mod crashes;
mod dns;
mod example;
mod renewal;
mod several;
mod site;
mod ways;

use site::Site;
