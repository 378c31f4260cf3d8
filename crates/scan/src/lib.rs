//! Placeholder heading, replaced by the crate's documentation.
