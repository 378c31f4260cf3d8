//! `deltaic history`: who did what, version by version.

use std::io::Write;

use deltaic::log::history::HistoryEntry;
use serde_json::{Map, Value, json};

use crate::arguments::History;
use crate::failure::Outcome;
use crate::{open, output};

pub(crate) async fn run(arguments: History) -> Outcome {
    let table = open::newest(&arguments.table).await?;
    let entries = table.history(arguments.limit).await?;
    let mut out = output::standard();
    match arguments.json {
        true => output::json(&mut out, &entries.iter().map(as_json).collect::<Vec<_>>())?,
        false => {
            let rows: Vec<_> = entries.iter().map(row).collect();
            output::grid(&mut out, &["version", "time", "operation", "parameters", "metrics", "engine"], &rows)?;
        }
    }
    Ok(out.flush()?)
}

fn as_json(entry: &HistoryEntry) -> Value {
    json!({
        "version": entry.version,
        "timestamp": entry.timestamp.to_string(),
        "timestampMs": entry.timestamp,
        "commitInfo": entry.commit_info,
    })
}

fn row(entry: &HistoryEntry) -> Vec<String> {
    let info = entry.commit_info.clone().unwrap_or_default();
    vec![
        entry.version.to_string(),
        entry.timestamp.to_string(),
        info.operation.unwrap_or_default(),
        brief(info.operation_parameters.as_ref()),
        brief(info.operation_metrics.as_ref()),
        info.engine_info.unwrap_or_default(),
    ]
}

/// `name=value` pairs, of which empty ones are left out, as far as they fit.
fn brief(pairs: Option<&Map<String, Value>>) -> String {
    const CHARACTERS: usize = 60;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs = pairs.into_iter().flatten().map(|(name, value)| (name, text(value)));
    let shown = pairs.filter(|(_, value)| !matches!(value.as_str(), "" | "[]" | "{}" | "null" | "0"));
    let line =
        shown.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ").replace(['\n', '\r'], " ");
    match line.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::brief;
    use serde_json::json;

    #[test]
    fn pairs_are_cut_at_a_character() {
        for (pairs, expect) in [
            (json!({}), String::new()),
            (json!({"mode": "Append", "partitionBy": "[]", "n": 3}), "mode=Append n=3".to_owned()),
            (json!({"p": "ü".repeat(80)}), format!("p={}…", "ü".repeat(58))),
        ] {
            assert_eq!(brief(pairs.as_object()), expect);
        }
    }
}
