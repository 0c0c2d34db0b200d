//! The faults. Each is a function that does its harm while the load runs and gives the most that may be seen of it.

mod backend;
mod client;
mod endpoint;
mod gateway;
mod security;

use anyhow::Result;

use super::damage::Damage;
use super::pace::Pace;
use super::site::Site;

pub(crate) use backend::{kill_master, kill_workers, reload, remove_socket};
pub(crate) use client::{attack, attack_in_turn, flood, slow, stall};
pub(crate) use endpoint::{dying, silent, stop};
pub(crate) use gateway::{change_upstream, hang_up, replace};
pub(crate) use security::{exchange_certificates, hang_up_secured, replace_secured};

/// What a case does to the site while the load runs.
pub(crate) type Fault = fn(&mut Site, &Pace) -> Result<Damage>;
