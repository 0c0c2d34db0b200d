//! The client side (reference, sections 4 and 6.5): what comes in, what goes out, and what must never happen.

mod basic;
