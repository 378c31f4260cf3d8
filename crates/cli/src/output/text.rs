//! Aligned text, and JSON.

use std::io::{BufWriter, StdoutLock, Write};

use anstream::AutoStream;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde::Serialize;

use crate::failure::Outcome;

const BOLD: anstyle::Style = anstyle::Style::new().bold();
const DIM: anstyle::Style = anstyle::Style::new().dimmed();

/// Standard output, buffered; styles are taken out where it is no terminal. Flush it at the end.
pub(crate) fn standard() -> BufWriter<AutoStream<StdoutLock<'static>>> {
    BufWriter::new(AutoStream::auto(std::io::stdout().lock()))
}

/// An empty line, and a title under it.
pub(crate) fn heading(out: &mut impl Write, text: &str) -> Outcome {
    writeln!(out)?;
    title(out, text)
}

/// A line that begins a part of what is printed.
pub(crate) fn title(out: &mut impl Write, text: &str) -> Outcome {
    Ok(writeln!(out, "{BOLD}{text}{BOLD:#}")?)
}

/// Names and values, a line each; the values begin in one column. A value of several lines keeps to its column.
pub(crate) fn facts(out: &mut impl Write, facts: &[(&str, String)]) -> Outcome {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in facts {
        let indented = value.replace('\n', &format!("\n{:width$}  ", ""));
        writeln!(out, "{DIM}{name:width$}{DIM:#}  {indented}")?;
    }
    Ok(())
}

/// Rows under a header. Columns whose every value is a number are aligned to the right.
pub(crate) fn grid(out: &mut impl Write, header: &[&str], rows: &[Vec<String>]) -> Outcome {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if rows.iter().all(|row| row.get(index).is_none_or(|cell| is_number(cell))) && !rows.is_empty() {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for (index, line) in table.lines().enumerate() {
        match (index, line.trim_end()) {
            (0, line) => writeln!(out, "{BOLD}{line}{BOLD:#}")?,
            (_, line) => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

/// The value as indented JSON, and a line end.
pub(crate) fn json(out: &mut impl Write, value: &impl Serialize) -> Outcome {
    serde_json::to_writer_pretty(&mut *out, value)?;
    Ok(writeln!(out)?)
}

/// A number of bytes as people read it, with its exact value.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: &[&str] = &["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut scaled = bytes as f64;
    let mut unit = None;
    for name in UNITS {
        if scaled < 1024.0 {
            break;
        }
        scaled /= 1024.0;
        unit = Some(*name);
    }
    match unit {
        Some(unit) => format!("{scaled:.1} {unit} ({} B)", count(bytes)),
        None => format!("{bytes} B"),
    }
}

/// A number with its digits in groups of three.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn is_number(cell: &str) -> bool {
    cell.is_empty()
        || cell.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.' | '-' | '+' | 'e' | 'E')) && cell != "-"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, expect) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), expect);
        }
    }

    #[test]
    fn bytes_are_scaled() {
        for (number, expect) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_536, "1.5 KiB (1,536 B)"),
            (u64::MAX, "16.0 EiB (18,446,744,073,709,551,615 B)"),
        ] {
            assert_eq!(bytes(number), expect);
        }
    }

    #[test]
    fn a_grid_aligns_text_left_and_numbers_right() {
        let mut out = Vec::new();
        grid(&mut out, &["name", "n"], &[vec!["a".into(), "1".into()], vec!["longer".into(), "12,000".into()]])
            .unwrap();
        let text = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
        assert_eq!(text, "name         n\na            1\nlonger  12,000\n");
    }

    #[test]
    fn facts_begin_in_one_column() {
        let mut out = Vec::new();
        facts(&mut out, &[("a", "x\ny".into()), ("long", "z".into())]).unwrap();
        let text = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
        assert_eq!(text, "a     x\n      y\nlong  z\n");
    }
}
