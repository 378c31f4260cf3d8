//! Servers that tests talk to.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::process::Outcome;

/// A port of this machine that nobody listens on.
pub(crate) fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("no free port: {error}"))
}

/// A process that ends with its owner.
pub(crate) struct Server(Child);

impl Server {
    /// Starts it. What it says on its error output is shown.
    pub(crate) fn start(mut command: Command) -> Outcome<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        child.map(Self).map_err(|error| format!("{}: {error}", command.get_program().display()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that is gone already needs no end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
