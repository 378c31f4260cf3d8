//! What is printed: tables, JSON, rows in a file format, progress.

mod cells;
mod destination;
mod progress;
mod report;
mod rows;
mod text;
mod text_keys;

pub(crate) use progress::{Progress, set_progress};
pub(crate) use report::{print_plan, print_report};
pub(crate) use rows::RowWriter;
pub(crate) use text::{bytes, count, facts, grid, heading, json, standard, title};
