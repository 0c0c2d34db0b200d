//! Applications that the gateway runs itself: what their crashes, restarts and ends cost.

mod container;
mod crash;
mod generations;
mod load;
mod orders;
mod quick;
mod site;
