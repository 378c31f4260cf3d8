//! Shared parts of the protocol tests.
