//! Bridgehead.
