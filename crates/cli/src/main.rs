//! The `deltaic` command.
fn main() {}
