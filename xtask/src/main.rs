//! `cargo xtask test | ci | fixtures | bench`.
fn main() {}
