//! PHP scripts below a document root.

pub mod site;
