//! The tiers of tests that need more than Rust, as data.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixtures::Engines;
use crate::process::{Outcome, cargo, program, root, scratch, step};
use crate::python_package;
use crate::server::{Server, free_port};

/// Tests that need one program beside Rust.
pub(crate) struct Tier {
    /// The tier's name.
    pub(crate) name: &'static str,
    /// A command that succeeds where what the tier needs is installed.
    pub(crate) needs: &'static [&'static str],
    /// What the tier tests.
    pub(crate) what: &'static str,
    /// Runs it.
    pub(crate) run: fn() -> Outcome,
}

/// Every tier after the first.
pub(crate) const TIERS: &[Tier] = &[
    Tier {
        name: "python",
        needs: &["python3", "-c", "import ensurepip, venv"],
        what: "the Python package; tables on S3 and their lock table, served by moto, and over HTTP, served by WsgiDAV; the \
               deltalake package at the same tables",
        run: python,
    },
    Tier {
        name: "node",
        needs: &["npm", "--version"],
        what: "tables on Azure storage, served by Azurite, a lock table, served by dynalite, and s3rver, which no table may be on",
        run: node,
    },
    Tier {
        name: "go",
        needs: &["go", "version"],
        what: "tables on Google storage, served by fake-gcs-server",
        run: go,
    },
    Tier {
        name: "spark",
        needs: &["sh", "-c", "java -version && mvn --version && python3 -c 'import ensurepip, venv'"],
        what: "Delta Lake on Spark at tables that deltaic writes",
        run: spark,
    },
];

/// Several threads of one moto process race with each other; one synchronous worker does not.
const MOTO: &str = "\
from moto.server import DomainDispatcherApplication, create_backend_app
app = DomainDispatcherApplication(create_backend_app)
";

fn python() -> Outcome {
    python_package::test()?;
    let folder = scratch().join("python");
    let packages =
        ["moto[s3,dynamodb,server]==5.2.*", "gunicorn", "WsgiDAV==4.*", "cheroot", "deltalake==1.6.*", "pyarrow==26.*"];
    let python = environment(&folder, &packages)?;
    s3(&folder, &python)?;
    http(&folder, &python)
}

fn s3(folder: &Path, python: &Path) -> Outcome {
    write(&folder.join("motowsgi.py"), MOTO)?;
    let port = free_port()?;
    let mut command = Command::new(python);
    command.args(["-m", "gunicorn", "-w", "1", "-k", "sync", "--log-level", "error"]);
    command.args(["-b", &format!("127.0.0.1:{port}"), "motowsgi:app"]).current_dir(folder);
    let _server = Server::start(command)?;
    servers("s3", "DELTAIC_TEST_S3", port)?;
    let mut tests = tests("counterparts", "deltalake");
    tests.env("DELTAIC_TEST_S3", format!("http://127.0.0.1:{port}")).env("DELTAIC_TEST_DELTALAKE", python);
    step("another engine at the same tables: deltalake", &mut tests)
}

fn http(folder: &Path, python: &Path) -> Outcome {
    let port = free_port()?;
    let file = folder.join("wsgidav.json");
    write(&file, &wsgidav(port))?;
    let mut command = Command::new(python.with_file_name("wsgidav"));
    command.arg("--config").arg(file).args(["--server", "cheroot"]);
    let _server = Server::start(command)?;
    servers("http", "DELTAIC_TEST_HTTP", port)
}

/// The settings of a WebDAV server of the fixtures that changes nothing.
fn wsgidav(port: u16) -> String {
    format!(
        r#"{{"host": "127.0.0.1", "port": {port}, "simple_dc": {{"user_mapping": {{"*": true}}}}, "verbose": 1,
            "provider_mapping": {{"/": {{"root": {:?}, "readonly": true}}}}}}"#,
        root().join("fixtures")
    )
}

fn node() -> Outcome {
    let folder = scratch().join("node");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let install = ["install", "--silent", "--no-fund", "--no-audit", "azurite@3.35", "dynalite@4", "s3rver@3.7"];
    step("install Azurite, dynalite and s3rver", program("npm").args(install).current_dir(&folder))?;
    // Not through npx, whose child would outlive it.
    let programs = folder.join("node_modules/.bin");
    azure(&folder, &programs)?;
    dynamodb(&programs)?;
    overwriting(&folder, &programs)
}

fn azure(folder: &Path, programs: &Path) -> Outcome {
    let port = free_port()?;
    let mut command = Command::new(programs.join("azurite-blob"));
    command.args(["--silent", "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck"]);
    command.args(["--blobPort", &port.to_string()]).current_dir(folder);
    let _server = Server::start(command)?;
    servers("azure", "DELTAIC_TEST_AZURE", port)
}

fn dynamodb(programs: &Path) -> Outcome {
    let port = free_port()?;
    let mut command = Command::new(programs.join("dynalite"));
    command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
    let _server = Server::start(command)?;
    servers("dynamodb", "DELTAIC_TEST_DYNAMODB", port)
}

/// A server that ignores the condition of a put.
fn overwriting(folder: &Path, programs: &Path) -> Outcome {
    let port = free_port()?;
    let mut command = Command::new(programs.join("s3rver"));
    command.args(["--silent", "--no-vhost-buckets", "--address", "127.0.0.1", "--configure-bucket", "unsafe"]);
    command.args(["--port", &port.to_string()]).arg("--directory").arg(folder.join("s3rver")).current_dir(folder);
    let _server = Server::start(command)?;
    servers("overwriting", "DELTAIC_TEST_OVERWRITING", port)
}

fn go() -> Outcome {
    const VERSION: &str = "v1.56.1";
    let folder = scratch().join("go").join(VERSION);
    let server = folder.join("fake-gcs-server");
    if !server.exists() {
        let module = format!("github.com/fsouza/fake-gcs-server@{VERSION}");
        step(
            "install fake-gcs-server",
            program("go")
                .args(["install", &module])
                .envs([("GOBIN", folder.as_os_str()), ("GOTOOLCHAIN", "auto".as_ref())]),
        )?;
    }
    let port = free_port()?;
    let mut command = Command::new(server);
    command.args(["-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-log-level", "error"]);
    command.args(["-port", &port.to_string(), "-public-host", &format!("127.0.0.1:{port}")]);
    // Each heading's folder becomes a bucket.
    command.arg("-data").arg(root().join("fixtures"));
    let _server = Server::start(command)?;
    servers("google", "DELTAIC_TEST_GOOGLE", port)
}

fn spark() -> Outcome {
    let engines = Engines::set_up()?;
    let mut tests = tests("counterparts", "spark");
    tests.env("DELTAIC_TEST_SPARK", engines.python).env("DELTAIC_SPARK_JARS", engines.jars);
    step("another engine at the same tables: Spark", &mut tests)
}

/// The tests of `filter` against the server on `port`, which they find by `variable`.
fn servers(filter: &str, variable: &str, port: u16) -> Outcome {
    let mut tests = tests("storage_servers", filter);
    tests.env(variable, format!("http://127.0.0.1:{port}"));
    step(&format!("tables on a server: {filter}"), &mut tests)
}

/// The tests of the module `filter` in `file` that the first tier leaves out. The whole workspace is selected, as in every other
/// step: one package alone would unify features in another way, and build all dependencies anew.
fn tests(file: &str, filter: &str) -> Command {
    let mut tests = cargo(["test", "--workspace", "--test", file, &format!("{filter}::")]);
    // One at a time: what a test tells a server to do, such as to look at keys, holds for every client.
    tests.args(["--", "--ignored", "--test-threads=1"]);
    tests
}

/// A virtual environment with these packages; its python.
pub(crate) fn environment(folder: &Path, packages: &[&str]) -> Outcome<PathBuf> {
    let python = folder.join("venv/bin/python");
    if !python.exists() {
        step("make a Python environment", program("python3").args(["-m", "venv"]).arg(folder.join("venv")))?;
    }
    step("install Python packages", program(&python).args(["-m", "pip", "install", "--quiet"]).args(packages))?;
    Ok(python)
}

fn write(file: &Path, text: &str) -> Outcome {
    std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
