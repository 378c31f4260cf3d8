//! Spec: [Protocol Evolution](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#protocol-evolution),
//! [Supported Features](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#supported-features).

use super::{ALL, FeatureKind, FeatureSpec, Support};
use crate::action::Protocol;
use crate::{Error, ErrorKind, Result};

/// The reader version that lists its features by name.
pub(super) const READER_WITH_FEATURES: i32 = 3;
/// The writer version that lists its features by name.
pub(super) const WRITER_WITH_FEATURES: i32 = 7;

impl Protocol {
    /// Fails with [`ErrorKind::UnsupportedProtocol`] where this library cannot read tables of this protocol.
    ///
    /// The error names every feature at fault, its heading and what to do. Features for writers alone, known or not,
    /// never keep anybody from reading. A table that only its catalog can open passes: see
    /// [`TableConfiguration::check_access`](crate::TableConfiguration::check_access).
    pub fn check_readable(&self) -> Result<()> {
        self.check_versions()?;
        let refusals: Vec<(&str, String)> =
            self.reader_names().filter_map(|name| Some((name, refusal(name)?))).collect();
        if refusals.is_empty() {
            return Ok(());
        }
        let (names, reasons): (Vec<_>, Vec<_>) = refusals.into_iter().unzip();
        let message = format!("the table cannot be read: {}", reasons.join("; "));
        Err(Error::new(ErrorKind::UnsupportedProtocol, message).with("feature", names.join(", ")))
    }

    /// The known features that tables of this protocol support, in the order of [`ALL`]: those that are listed by name,
    /// and those that an older version implies.
    pub fn supported_features(&self) -> Vec<&'static FeatureSpec> {
        ALL.iter().filter(|feature| self.supports(feature)).collect()
    }

    /// Whether tables of this protocol support the feature.
    ///
    /// For a reader feature, what readers know decides: reader version 2 implies column mapping, even where the writer
    /// version lists its features by name.
    pub fn supports(&self, feature: &FeatureSpec) -> bool {
        match feature.kind {
            FeatureKind::ReaderWriter if self.min_reader_version == READER_WITH_FEATURES => {
                self.reader_names().any(|name| feature.is_named(name))
            }
            FeatureKind::ReaderWriter => feature.legacy.is_some_and(|legacy| self.min_reader_version >= legacy.reader),
            FeatureKind::Writer if self.min_writer_version >= WRITER_WITH_FEATURES => {
                self.writer_names().any(|name| feature.is_named(name))
            }
            FeatureKind::Writer => feature.legacy.is_some_and(|legacy| self.min_writer_version >= legacy.writer),
        }
    }

    /// The listed names that this library knows no feature for, each once.
    pub fn unknown_features(&self) -> Vec<&str> {
        let mut unknown: Vec<&str> =
            self.reader_names().chain(self.writer_names()).filter(|name| FeatureSpec::named(name).is_none()).collect();
        unknown.sort_unstable();
        unknown.dedup();
        unknown
    }

    fn check_versions(&self) -> Result<()> {
        let (reader, writer) = (self.min_reader_version, self.min_writer_version);
        let has_reader_names = self.reader_names().next().is_some();
        let problem = if reader > READER_WITH_FEATURES {
            "this reader version is unknown: use a newer release"
        } else if reader < 0 || writer < 0 {
            "a version is negative: the table's log is broken"
        } else if reader == READER_WITH_FEATURES && writer < WRITER_WITH_FEATURES {
            "reader version 3 needs writer version 7: the table's log is broken"
        } else if reader != READER_WITH_FEATURES && has_reader_names {
            "reader features are listed, which only reader version 3 has: the table's log is broken"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::UnsupportedProtocol, format!("the table's protocol cannot be read: {problem}"))
            .with("minReaderVersion", reader)
            .with("minWriterVersion", writer))
    }

    fn reader_names(&self) -> impl Iterator<Item = &str> {
        self.reader_features.iter().flatten().map(String::as_str)
    }

    fn writer_names(&self) -> impl Iterator<Item = &str> {
        self.writer_features.iter().flatten().map(String::as_str)
    }
}

/// Why tables with this reader feature cannot be read; `None` where they can.
fn refusal(name: &str) -> Option<String> {
    let Some(feature) = FeatureSpec::named(name) else {
        return Some(format!(
            "its feature {name} is none that this release knows of the specification's \"Valid Feature Names in Table \
             Features\": use a newer release, or drop the feature"
        ));
    };
    match feature.read {
        Support::Refused { why, remedy } => {
            Some(format!("its feature {name} (\"{}\") is not supported, as {why}: {remedy}", feature.heading.title))
        }
        Support::Full | Support::ThroughCatalog { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn protocol(
        reader: i32,
        writer: i32,
        reader_features: Option<&[&str]>,
        writer_features: Option<&[&str]>,
    ) -> Protocol {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Protocol {
            min_reader_version: reader,
            min_writer_version: writer,
            reader_features: reader_features.map(names),
            writer_features: writer_features.map(names),
        }
    }

    #[rstest]
    #[case(protocol(1, 2, None, None), &["appendOnly", "invariants"])]
    #[case(protocol(1, 1, None, None), &[])]
    #[case(protocol(1, 5, None, None), &["appendOnly", "invariants", "checkConstraints", "generatedColumns", "changeDataFeed"])]
    #[case(protocol(2, 7, None, Some(&["icebergCompatV2"])), &["columnMapping", "icebergCompatV2"])]
    #[case(protocol(3, 7, Some(&[]), Some(&[])), &[])]
    #[case(protocol(3, 7, Some(&["deletionVectors"]), Some(&["deletionVectors", "fromTheFuture"])), &["deletionVectors"])]
    #[case(protocol(3, 7, Some(&["variantType-preview"]), None), &["variantType"])]
    #[case(protocol(1, 99, None, None), &[])]
    fn readable(#[case] protocol: Protocol, #[case] supported: &[&str]) {
        protocol.check_readable().unwrap();
        assert_eq!(protocol.supported_features().iter().map(|feature| feature.name).collect::<Vec<_>>(), supported);
    }

    #[rstest]
    #[case(protocol(99, 99, None, None), "use a newer release")]
    #[case(protocol(4, 7, None, None), "use a newer release")]
    #[case(protocol(-1, 2, None, None), "negative")]
    #[case(protocol(3, 6, Some(&[]), None), "needs writer version 7")]
    #[case(protocol(2, 7, Some(&["deletionVectors"]), Some(&["deletionVectors"])), "only reader version 3")]
    #[case(protocol(3, 7, Some(&["timestampNanos"]), None), "Nanosecond Timestamps")]
    #[case(protocol(3, 7, Some(&["a", "deletionVectors", "b"]), None), "drop the feature; its feature b")]
    fn unreadable(#[case] protocol: Protocol, #[case] message: &str) {
        let error = protocol.check_readable().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedProtocol);
        assert!(error.message().contains(message), "{error}");
    }

    #[test]
    fn unknown_names_are_listed_once() {
        let protocol = protocol(3, 7, Some(&["b", "deletionVectors"]), Some(&["b", "a"]));
        assert_eq!(protocol.unknown_features(), ["a", "b"]);
        assert_eq!(protocol.check_readable().unwrap_err().context("feature"), Some("b"));
    }
}
