//! Running other programs.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a step comes to: an error says what failed, in one line.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    // Asked now and not when this was built: work trees that share a build folder share the program too.
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    manifest.parent().expect("xtask is a folder of the workspace").to_owned()
}

/// The folder for what the project's own tools make.
pub(crate) fn scratch() -> PathBuf {
    target().join("xtask")
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The cargo that runs this program, in the workspace's root, as if it were called from a shell.
pub(crate) fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    without_own_variables(&mut command);
    command
}

/// Takes away what cargo tells this program of its own package: it would make build scripts that look at it run again, and
/// half of the dependencies with them.
pub(crate) fn without_own_variables(command: &mut Command) {
    let own = |name: &str| {
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_BIN_")
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(own)) {
        command.env_remove(name);
    }
}

/// A program, in the workspace's root.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// Runs the command and shows what it prints; an error where it fails.
pub(crate) fn step(title: &str, command: &mut Command) -> Outcome {
    println!("\n== {title}");
    let status = command.status().map_err(|error| format!("{title}: {}: {error}", command.get_program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("{title}: {status}")) }
}

/// Whether the command can be run, and succeeds.
pub(crate) fn succeeds(command: &[&str]) -> bool {
    let (name, arguments) = command.split_first().expect("a command has a name");
    let status = Command::new(name).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
