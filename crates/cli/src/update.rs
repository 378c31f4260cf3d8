//! `deltaic update`: rows of a table, changed.

use crate::arguments::Update;
use crate::failure::Outcome;
use crate::open;
use crate::output::{Progress, print_plan, print_report};

pub(crate) async fn run(arguments: Update) -> Outcome {
    let mut update = open::newest(&arguments.table).await?.update();
    for assignment in &arguments.set {
        update = update.set_sql(assignment)?;
    }
    if let Some(predicate) = &arguments.predicate {
        update = update.predicate_sql(predicate)?;
    }
    if let Some(text) = arguments.user_metadata {
        update = update.user_metadata(text);
    }
    if arguments.dry_run {
        return print_plan(&update.plan().await?);
    }
    let report = {
        let _progress = Progress::spinner("updating");
        update.execute().await?
    };
    print_report(&report, arguments.json)
}
