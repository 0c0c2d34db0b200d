//! Byte buffers that start in memory and continue on disk.
