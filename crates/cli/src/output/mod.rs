//! What is printed: tables, JSON, rows in a file format, progress.

mod cells;
mod destination;
mod progress;
mod rows;
mod text;
mod text_keys;

pub(crate) use progress::{Progress, set_progress};
pub(crate) use rows::RowWriter;
pub(crate) use text::{bytes, count, facts, grid, heading, json, standard, title};
