//! The tiers of tests that need more than Rust, as data.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::process::{Outcome, cargo, program, scratch, step};

/// Tests that need one program beside Rust.
pub(crate) struct Tier {
    /// The tier's name.
    pub(crate) name: &'static str,
    /// The program that must be installed.
    pub(crate) needs: &'static str,
    /// What the tier tests.
    pub(crate) what: &'static str,
    /// Runs it.
    pub(crate) run: fn() -> Outcome,
}

/// Every tier after the first.
pub(crate) const TIERS: &[Tier] = &[
    Tier { name: "python", needs: "python3", what: "tables on S3, served by moto", run: python },
    Tier { name: "node", needs: "npm", what: "tables on Azure storage, served by Azurite", run: node },
];

/// Several threads of one moto process race with each other; one synchronous worker does not.
const MOTO: &str = "\
from moto.server import DomainDispatcherApplication, create_backend_app
app = DomainDispatcherApplication(create_backend_app)
";

fn python() -> Outcome {
    let folder = scratch().join("python");
    let python = environment(&folder, &["moto[s3,server]==5.2.*", "gunicorn"])?;
    std::fs::write(folder.join("motowsgi.py"), MOTO).map_err(|error| format!("motowsgi.py: {error}"))?;
    let port = free_port()?;
    let mut command = Command::new(python);
    command.args([
        "-m",
        "gunicorn",
        "-w",
        "1",
        "-k",
        "sync",
        "-b",
        &format!("127.0.0.1:{port}"),
        "--log-level",
        "error",
    ]);
    command.arg("motowsgi:app").current_dir(&folder);
    let _server = Server::start(command)?;
    servers("s3", "DELTAIC_TEST_S3", port)
}

fn node() -> Outcome {
    let port = free_port()?;
    let folder = scratch().join("node");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let install = ["install", "--silent", "--no-fund", "--no-audit", "azurite@3.35"];
    step("install Azurite", program("npm").args(install).current_dir(&folder))?;
    // Not through npx, whose child would outlive it.
    let mut command = Command::new(folder.join("node_modules/.bin/azurite-blob"));
    command.args(["--silent", "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck"]);
    command.args(["--blobPort", &port.to_string()]).current_dir(&folder);
    let _server = Server::start(command)?;
    servers("azure", "DELTAIC_TEST_AZURE", port)
}

/// The tests of `filter` against the server on `port`, which they find by `variable`. The whole workspace is selected, as in
/// every other step: one package alone would unify features in another way, and build all dependencies anew.
fn servers(filter: &str, variable: &str, port: u16) -> Outcome {
    let mut tests = cargo(["test", "--workspace", "--test", "storage_servers", filter]);
    tests.args(["--", "--ignored"]).env(variable, format!("http://127.0.0.1:{port}"));
    step(&format!("tables on a {filter} server"), &mut tests)
}

/// A virtual environment with these packages; its python.
pub(crate) fn environment(folder: &std::path::Path, packages: &[&str]) -> Outcome<PathBuf> {
    let python = folder.join("venv/bin/python");
    if !python.exists() {
        step("make a Python environment", program("python3").args(["-m", "venv"]).arg(folder.join("venv")))?;
    }
    step("install Python packages", program(&python).args(["-m", "pip", "install", "--quiet"]).args(packages))?;
    Ok(python)
}

fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("no free port: {error}"))
}

/// A process that ends with its owner.
struct Server(Child);

impl Server {
    fn start(mut command: Command) -> Outcome<Self> {
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
