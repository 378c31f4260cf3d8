//! `deltaic restore`: a table as it was.

use deltaic::parse_timestamp;

use crate::arguments::Restore;
use crate::failure::Outcome;
use crate::open;
use crate::output::{Progress, print_plan, print_report};

pub(crate) async fn run(arguments: Restore) -> Outcome {
    let mut restore = open::newest(&arguments.table).await?.restore();
    if let Some(version) = arguments.as_of.version {
        restore = restore.version(version);
    }
    if let Some(time) = &arguments.as_of.timestamp {
        restore = restore.timestamp(parse_timestamp(time)?);
    }
    restore = restore.ignore_missing_files(arguments.ignore_missing_files);
    if let Some(text) = arguments.user_metadata {
        restore = restore.user_metadata(text);
    }
    if arguments.dry_run {
        return print_plan(&restore.plan().await?);
    }
    let report = {
        let _progress = Progress::spinner("restoring");
        restore.execute().await?
    };
    print_report(&report, arguments.json)
}
