//! Bridgehead: HTTP in; FastCGI, uwsgi, SCGI and HTTP to application workers out.

pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod files;
pub mod framed;
pub mod frontend;
pub mod protocol;
pub mod spool;
pub mod telemetry;
pub mod transport;
pub mod upstream;
