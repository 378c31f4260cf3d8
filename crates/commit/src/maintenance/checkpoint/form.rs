//! Spec: [Checkpoint Naming Scheme](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoint-naming-scheme): which
//! form a checkpoint takes.

use deltaic_log::checkpoint::encode::StatisticsForms;
use deltaic_log::feature::V2_CHECKPOINT;
use deltaic_log::file_name::{CheckpointFormat, CheckpointKind, CheckpointName};
use deltaic_log::table_properties::{CheckpointPolicy, property};
use deltaic_log::{Error, ErrorKind, Result, Snapshot, Version};
use uuid::Uuid;

/// A form of checkpoints. Multi-part checkpoints are deprecated, and never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointForm {
    /// One parquet file of the V1 spec, which every reader knows.
    Classic,
    /// A file of this format with a unique name, and sidecar files for the table's files: of the V2 spec.
    Uuid(CheckpointFormat),
    /// As [`Self::Uuid`], under the classic name: readers that do not know the V2 spec see that they do not.
    V2UnderClassicName,
}

/// How to write a checkpoint.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckpointOptions {
    /// The form; as `delta.checkpointPolicy` says, where absent.
    pub form: Option<CheckpointForm>,
    /// The forms of statistics; as `delta.checkpoint.writeStatsAsJson` and `delta.checkpoint.writeStatsAsStruct` say, where
    /// absent.
    pub statistics: Option<StatisticsForms>,
    /// A sidecar file is closed when it has so many actions. One of an older checkpoint, of which nothing changed, is
    /// referred to again where it has a quarter of that; smaller ones are merged.
    pub sidecar_actions_max: usize,
}

impl Default for CheckpointOptions {
    fn default() -> Self {
        Self { form: None, statistics: None, sidecar_actions_max: 250_000 }
    }
}

impl CheckpointOptions {
    /// As the table's properties say.
    pub fn new() -> Self {
        Self::default()
    }

    /// In this form.
    #[must_use]
    pub fn with_form(mut self, form: CheckpointForm) -> Self {
        self.form = Some(form);
        self
    }

    /// With these forms of statistics.
    #[must_use]
    pub fn with_statistics(mut self, statistics: StatisticsForms) -> Self {
        self.statistics = Some(statistics);
        self
    }

    /// With sidecar files of so many actions.
    #[must_use]
    pub fn with_sidecar_actions_max(mut self, actions: usize) -> Self {
        self.sidecar_actions_max = actions;
        self
    }

    /// The form for a table.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where the table does not allow the form that is asked for;
    /// [`ErrorKind::InvalidProperty`].
    pub(super) fn form_for(&self, snapshot: &Snapshot) -> Result<CheckpointForm> {
        let allows_v2 = snapshot.protocol().supports(&V2_CHECKPOINT);
        match self.form {
            Some(form) if form != CheckpointForm::Classic && !allows_v2 => {
                let message = "the table's protocol lacks the feature v2Checkpoint, without which readers do not expect such a \
                               checkpoint: add the feature, or write a classic one";
                Err(Error::new(ErrorKind::InvalidArgument, message).with("feature", V2_CHECKPOINT.name))
            }
            Some(form) => Ok(form),
            None => {
                let policy = snapshot.configuration().properties().get(&property::CHECKPOINT_POLICY)?;
                Ok(match policy {
                    CheckpointPolicy::V2 if allows_v2 => CheckpointForm::Uuid(CheckpointFormat::Parquet),
                    _ => CheckpointForm::Classic,
                })
            }
        }
    }
}

impl CheckpointForm {
    /// The name of a checkpoint's top-level file.
    pub(super) fn name(self, version: Version, id: Uuid) -> CheckpointName {
        let kind = match self {
            Self::Uuid(format) => CheckpointKind::Uuid { format, id },
            Self::Classic | Self::V2UnderClassicName => CheckpointKind::Classic,
        };
        CheckpointName { version, kind }
    }
}
