//! To be completed.
