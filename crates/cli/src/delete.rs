//! `deltaic delete`: rows out of a table.

use crate::arguments::Delete;
use crate::failure::Outcome;
use crate::open;
use crate::output::{Progress, print_plan, print_report};

pub(crate) async fn run(arguments: Delete) -> Outcome {
    let mut delete = open::newest(&arguments.table).await?.delete();
    if let Some(predicate) = &arguments.predicate {
        delete = delete.predicate_sql(predicate)?;
    }
    if let Some(text) = arguments.user_metadata {
        delete = delete.user_metadata(text);
    }
    if arguments.dry_run {
        return print_plan(&delete.plan().await?);
    }
    let report = {
        let _progress = Progress::spinner("deleting");
        delete.execute().await?
    };
    print_report(&report, arguments.json)
}
