//! Whether a checkpoint may be written at all, told before anything is.

use deltaic_log::feature::CHECKPOINT_PROTECTION;
use deltaic_log::file_name::STAGED_COMMIT_DIR;
use deltaic_log::table_properties::property;
use deltaic_log::{Error, ErrorKind, Result, Snapshot};

/// Asks the table as it is now, too: a version may be protected by what came after it.
///
/// # Errors
/// See [`super::write_checkpoint`].
pub(super) async fn check(snapshot: &Snapshot) -> Result<()> {
    let is_staged = |path: &str| path.contains(STAGED_COMMIT_DIR);
    if snapshot.segment().deltas.iter().any(|delta| is_staged(&delta.file.path)) {
        let message = "the version is not published yet, and who reads the table by its files must not see it before: have the \
                       catalog publish it first";
        return Err(Error::new(ErrorKind::InvalidArgument, message).with("version", snapshot.version()));
    }
    let newest = snapshot.refresh().await?;
    snapshot.protocol().check_writable(snapshot.configuration())?;
    newest.protocol().check_writable(newest.configuration())?;
    if newest.configuration().is_active(&CHECKPOINT_PROTECTION) {
        let before =
            newest.configuration().properties().get(&property::REQUIRE_CHECKPOINT_PROTECTION_BEFORE_VERSION)?;
        if snapshot.version().0 < before {
            let message =
                format!("the table protects the checkpoints of all versions below {before}: none is to be added");
            return Err(Error::new(ErrorKind::UnsupportedProtocol, message)
                .with("feature", CHECKPOINT_PROTECTION.name)
                .with("version", snapshot.version()));
        }
    }
    Ok(())
}
