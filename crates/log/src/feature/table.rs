use super::{ALL, FeatureKind, FeatureSpec, Support};
use std::fmt::Write;

/// The table of features, in Markdown, as the README shows it: one row for each of [`ALL`].
pub fn render_table() -> String {
    let mut table = String::from("| feature | for | read | write | specified in |\n|---|---|---|---|---|\n");
    for feature in ALL {
        writeln!(table, "{}", row(feature)).expect("writing to a String never fails");
    }
    table
}

fn row(feature: &FeatureSpec) -> String {
    let names: Vec<_> = std::iter::once(&feature.name).chain(feature.aliases).map(|name| format!("`{name}`")).collect();
    let kind = match feature.kind {
        FeatureKind::Writer => "writers",
        FeatureKind::ReaderWriter => "readers and writers",
    };
    let heading = match feature.heading.url() {
        Some(url) => format!("[{}]({url})", feature.heading.title),
        None => format!("{} (preview)", feature.heading.title),
    };
    format!("| {} | {kind} | {} | {} | {heading} |", names.join(", "), word(feature.read), word(feature.write))
}

fn word(support: Support) -> &'static str {
    match support {
        Support::Full => "yes",
        Support::ThroughCatalog { .. } => "through its catalog",
        Support::Refused { .. } => "no",
    }
}
