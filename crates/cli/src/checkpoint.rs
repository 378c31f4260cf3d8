//! `deltaic checkpoint`: writes a checkpoint.

use std::io::Write;

use deltaic::log::file_name::CheckpointFormat;
use deltaic::maintenance::{self, CheckpointOptions, CheckpointWritten};
use serde_json::json;

use crate::arguments::{Checkpoint, CheckpointForm};
use crate::failure::Outcome;
use crate::open;
use crate::output::{self, bytes, count};

pub(crate) async fn run(arguments: Checkpoint) -> Outcome {
    let table = open::at(&arguments.at.table, &arguments.at.as_of).await?;
    let mut options = CheckpointOptions::new();
    options.form = arguments.form.map(form);
    let written = table.create_checkpoint_with(options).await?;
    let mut out = output::standard();
    match arguments.at.json {
        true => output::json(&mut out, &as_json(&written))?,
        false => output::facts(&mut out, &facts(&written))?,
    }
    Ok(out.flush()?)
}

fn form(form: CheckpointForm) -> maintenance::CheckpointForm {
    match form {
        CheckpointForm::Classic => maintenance::CheckpointForm::Classic,
        CheckpointForm::V2 => maintenance::CheckpointForm::Uuid(CheckpointFormat::Parquet),
        CheckpointForm::V2Json => maintenance::CheckpointForm::Uuid(CheckpointFormat::Json),
        CheckpointForm::V2Classic => maintenance::CheckpointForm::V2UnderClassicName,
    }
}

fn facts(written: &CheckpointWritten) -> Vec<(&'static str, String)> {
    let number = |number: usize| count(number as u64);
    let mut facts = vec![
        ("checkpoint", written.path.clone()),
        ("version", written.version.to_string()),
        ("size", bytes(written.size_bytes)),
        ("files", number(written.adds)),
        ("tombstones", number(written.removes)),
    ];
    if written.sidecars_written + written.sidecars_kept > 0 {
        let (new, kept) = (number(written.sidecars_written), number(written.sidecars_kept));
        facts.push(("sidecar files", format!("{new} written, {kept} kept")));
    }
    if let Some(error) = &written.hint_error {
        facts.push(("warning", format!("_last_checkpoint is not updated: {error}")));
    }
    facts
}

fn as_json(written: &CheckpointWritten) -> serde_json::Value {
    json!({
        "version": written.version,
        "path": written.path,
        "sizeBytes": written.size_bytes,
        "actions": written.actions,
        "files": written.adds,
        "tombstones": written.removes,
        "sidecarsWritten": written.sidecars_written,
        "sidecarsKept": written.sidecars_kept,
        "warning": written.hint_error.as_ref().map(ToString::to_string),
    })
}
