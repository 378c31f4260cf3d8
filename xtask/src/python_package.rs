//! The Python package: its wheel, built and tested in an environment of its own.

use std::path::Path;

use crate::process::{Outcome, program, root, scratch, step, target, without_own_variables};
use crate::tiers::environment;

/// What the tests read and write with, beside the package itself. Only maturin is pinned: the package has to work with
/// whatever is newest of the others.
const PACKAGES: &[&str] =
    &["maturin==1.16.*", "pytest", "mypy", "pyarrow", "pandas", "polars", "duckdb", "deltalake==1.6.*"];

/// Builds the wheel, installs it, and runs its tests and its examples; the types of its sources are checked too.
pub(crate) fn test() -> Outcome {
    let folder = scratch().join("python-package");
    let python = environment(&folder, PACKAGES)?;
    install(&folder, &python)?;
    let package = root().join("crates/python");
    step("the Python package's tests", program(&python).args(["-m", "pytest", "--quiet"]).current_dir(&package))?;
    let examples = ["-m", "pytest", "--quiet", "--doctest-modules", "--pyargs", "deltaic"];
    step("the Python package's examples", program(&python).args(examples).current_dir(&folder))?;
    let mut types = program(&python);
    types.args(["-m", "mypy", "--package", "deltaic", "--config-file"]).arg(package.join("pyproject.toml"));
    step("the Python package's types", types.current_dir(&folder))
}

/// The development profile serves: what is tested is the package, not its speed.
fn install(folder: &Path, python: &Path) -> Outcome {
    let wheels = folder.join("wheels");
    // Wheels of older sources have the same name.
    let _ = std::fs::remove_dir_all(&wheels);
    let mut build = program(python);
    build.args(["-m", "maturin", "build", "--quiet", "--profile", "dev", "--strip", "--out"]).arg(&wheels);
    build.args(["--interpreter".as_ref(), python.as_os_str()]).env("CARGO_TARGET_DIR", target());
    without_own_variables(&mut build);
    step("the Python package's wheel", build.current_dir(root().join("crates/python")))?;
    let mut install = program(python);
    install.args(["-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps", "--no-index", "--find-links"]);
    step("install the wheel", install.arg(&wheels).arg("deltaic"))
}
