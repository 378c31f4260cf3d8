//! Features.

use deltaic_commit::Operation;
use deltaic_log::feature::{ALL, FeatureSpec};
use deltaic_log::schema::near_names;
use deltaic_log::{Error, ErrorKind, Result, TableConfiguration};
use serde_json::json;

use super::Altered;

pub(super) fn add(table: &TableConfiguration, name: &str) -> Result<Option<Altered>> {
    let feature = FeatureSpec::named(name).ok_or_else(|| {
        let near = near_names(name, ALL.iter().map(|feature| (feature.name.to_owned(), feature.name)));
        let hint = if near.is_empty() { String::new() } else { format!(" (did you mean {}?)", near.join(" or ")) };
        let message = format!("no feature that this release knows is called {name}{hint}: correct it");
        Error::new(ErrorKind::InvalidArgument, message).with("feature", name)
    })?;
    let protocol = table.protocol().with_features([feature]);
    if protocol == *table.protocol() {
        return Ok(None);
    }
    let operation = Operation::new("UPGRADE PROTOCOL").with_parameter("newProtocol", json!(protocol).to_string());
    Ok(Some(Altered { features: vec![feature], ..Altered::new(operation, table.metadata().clone()) }))
}
