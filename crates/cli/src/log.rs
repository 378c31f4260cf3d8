//! `deltaic log`: the actions of one commit, as the log holds them.

use std::io::Write;

use deltaic::log::file_name::{LOG_DIR, LogFileName};
use deltaic::{DeltaTable, Error, ErrorKind, Result, Version};
use serde_json::Value;

use crate::arguments::Log;
use crate::failure::Outcome;
use crate::{open, output};

pub(crate) async fn run(arguments: Log) -> Outcome {
    let table = open::newest(&arguments.table).await?;
    let version = arguments.version.unwrap_or_else(|| table.version());
    let text = commit(&table, version).await?;
    let mut out = output::standard();
    match arguments.json {
        true => out.write_all(&text)?,
        false => {
            for (index, line) in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
                if index > 0 {
                    writeln!(out)?;
                }
                action(&mut out, line)?;
            }
        }
    }
    Ok(out.flush()?)
}

async fn commit(table: &DeltaTable, version: Version) -> Result<Vec<u8>> {
    let segment = table.snapshot().segment();
    let staged = segment.deltas.iter().find(|delta| delta.start == version && delta.end == version);
    let path =
        staged.map_or_else(|| format!("{LOG_DIR}/{}", LogFileName::Commit(version)), |delta| delta.file.path.clone());
    let text = table.snapshot().store().read(&path).await?;
    text.map(|text| text.to_vec()).ok_or_else(|| {
        let message =
            format!("the log holds no commit of version {version}: it is newer than the table, or was cleaned up");
        Error::new(ErrorKind::VersionNotFound, message).with("file", path)
    })
}

/// One action: its name as a heading, then its content, indented. A line that is no object is shown as it is.
fn action(out: &mut impl Write, line: &[u8]) -> Outcome {
    match serde_json::from_slice::<Value>(line) {
        Ok(Value::Object(action)) => {
            for (name, content) in &action {
                output::title(out, name)?;
                output::json(out, content)?;
            }
            Ok(())
        }
        _ => {
            output::title(out, "not an action")?;
            Ok(writeln!(out, "{}", String::from_utf8_lossy(line))?)
        }
    }
}
