//! deltaic for Python: the native half of the package `deltaic`, which Python imports as `deltaic._internal`.
//!
//! ```text
//!   deltaic/*.py (the API: names, defaults, pyarrow where asked for) ──► deltaic._internal ──► the crate `deltaic`
//!                                                                        Arrow capsules, JSON text
//! ```
//!
//! What crosses the border is plain: Arrow by the C data interface, everything else as text and numbers. Every call that works
//! or waits lets other Python threads run, and ends within a tenth of a second of Ctrl-C.

mod actions;
mod arrow;
mod cdf;
mod errors;
mod input;
mod runtime;
mod scan;
mod table;
mod upkeep;
mod write;

use pyo3::prelude::*;

/// The native half of `deltaic`.
#[pymodule(gil_used = false)]
mod _internal {
    #[pymodule_export]
    use crate::arrow::{ArrowSchema, ArrowTable, RecordBatchReader, arrow_schema_of_json, json_of_arrow_schema};
    #[pymodule_export]
    use crate::table::{RawDeltaTable, is_deltatable};
    #[pymodule_export]
    use crate::write::{create_table, write_table};

    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
