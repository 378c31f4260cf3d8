//! What users do with a Delta table.

pub mod vacuum;

pub use vacuum::VacuumBuilder;
