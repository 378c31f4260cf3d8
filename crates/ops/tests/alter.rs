//! Altering tables, as their users see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use deltaic_log::schema::{DataType, PrimitiveType as P, StructField, StructType};
use deltaic_log::{ErrorKind, Result, Version};
use deltaic_ops::alter::{Alteration, NewColumn};
use deltaic_ops::write::WriteMode;
use deltaic_ops::{AlterBuilder, CreateBuilder, Report};
use futures::executor::block_on;
use rstest::rstest;
use serde_json::json;
use support::{Place, batch, ids, numbers};

/// Three rows, of a table with a property, a constraint and a list of structs.
fn table() -> Place {
    let place = Place::in_memory();
    let inner = StructType::new([StructField::nullable("a", P::Long)]);
    let list = StructField::nullable("list", DataType::array(inner, true));
    let schema = StructType::new([StructField::nullable("id", P::Long), list]);
    let create = CreateBuilder::new(place.target(), schema).property("mine", "1").constraint("positive", "id > 0");
    block_on(create.execute()).unwrap();
    append(&place, 1);
    place
}

fn append(place: &Place, first: i64) {
    place.write(batch(&[("id", numbers(first..first + 3))]), |write| write.mode(WriteMode::Append)).unwrap();
}

fn alter(place: &Place, alteration: Alteration) -> Result<Report> {
    block_on(AlterBuilder::new(place.target(), alteration).execute())
}

fn set(key: &str, value: &str) -> Alteration {
    Alteration::SetProperties([(key.to_owned(), value.to_owned())].into())
}

fn unset(key: &str, if_exists: bool) -> Alteration {
    Alteration::UnsetProperties { keys: vec![key.to_owned()], if_exists }
}

fn constraint(name: &str, sql: &str) -> Alteration {
    Alteration::AddConstraint { name: name.to_owned(), sql: sql.to_owned() }
}

fn drop_constraint(name: &str, if_exists: bool) -> Alteration {
    Alteration::DropConstraint { name: name.to_owned(), if_exists }
}

fn column(parent: &str, field: StructField) -> Alteration {
    let column = NewColumn::new(field);
    let parents: Vec<&str> = parent.split('.').filter(|name| !name.is_empty()).collect();
    Alteration::AddColumns(vec![column.within(deltaic_log::schema::ColumnPath::new(parents))])
}

fn feature(name: &str) -> Alteration {
    Alteration::AddFeature(name.to_owned())
}

#[rstest]
#[case(set("Delta.AppendOnly", "true"), "SET TBLPROPERTIES", None)]
#[case(set("other", "x"), "SET TBLPROPERTIES", None)]
#[case(set("delta.enableDeletionVectors", "true"), "SET TBLPROPERTIES", Some("deletionVectors"))]
#[case(set("delta.enableRowTracking", "true"), "SET TBLPROPERTIES", Some("rowTracking"))]
#[case(set("delta.columnMapping.mode", "name"), "SET TBLPROPERTIES", Some("columnMapping"))]
#[case(set("delta.feature.domainMetadata", "supported"), "SET TBLPROPERTIES", Some("domainMetadata"))]
#[case(unset("MINE", false), "UNSET TBLPROPERTIES", None)]
#[case(constraint("Small", "id < 4"), "ADD CONSTRAINT", Some("checkConstraints"))]
#[case(drop_constraint("POSITIVE", false), "DROP CONSTRAINT", None)]
#[case(column("", StructField::nullable("p", P::String)), "ADD COLUMNS", None)]
#[case(column("list.element", StructField::nullable("b", P::String)), "ADD COLUMNS", None)]
#[case(column("", StructField::nullable("t", P::TimestampNtz)), "ADD COLUMNS", Some("timestampNtz"))]
#[case(feature("inCommitTimestamp"), "UPGRADE PROTOCOL", Some("inCommitTimestamp"))]
fn what_is_changed_once_is_so(#[case] alteration: Alteration, #[case] name: &str, #[case] feature: Option<&str>) {
    let place = table();
    let plan = block_on(AlterBuilder::new(place.target(), alteration.clone()).plan()).unwrap();
    assert_eq!(plan.operation.as_deref(), Some(name));
    assert_eq!(alter(&place, alteration).unwrap().version, Some(Version(2)));
    let after = place.snapshot();
    let named = |feature| deltaic_log::feature::FeatureSpec::named(feature).unwrap();
    assert!(feature.is_none_or(|feature| after.protocol().supports(named(feature))));
    assert_eq!(place.commit(2)[0]["commitInfo"]["operation"], name);
    append(&place, 1);
    assert_eq!(ids(&place), [1, 1, 2, 2, 3, 3]);
    if feature == Some("rowTracking") {
        let scan = deltaic_scan::ScanBuilder::new(place.snapshot());
        let scan = scan.metadata_column(deltaic_scan::plan::MetadataColumn::RowId).build().unwrap();
        let rows: Vec<_> = block_on(futures::TryStreamExt::try_collect(scan.stream())).unwrap();
        let unnumbered = |rows: &arrow_array::RecordBatch| rows.columns().last().unwrap().null_count();
        assert_eq!(rows.iter().map(unnumbered).sum::<usize>(), 0, "rows that were there have ids, too");
    }
}

#[rstest]
#[case(set("delta.appendonly", "yes"), ErrorKind::InvalidProperty)]
#[case(set("delta.unheardOf", "1"), ErrorKind::InvalidProperty)]
#[case(set("delta.constraints.x", "id > 1"), ErrorKind::InvalidProperty)]
#[case(set("delta.columnMapping.mode", "id"), ErrorKind::InvalidProperty)]
#[case(set("delta.columnMapping.maxColumnId", "7"), ErrorKind::InvalidProperty)]
#[case(unset("nothing", false), ErrorKind::InvalidProperty)]
#[case(unset("delta.constraints.positive", true), ErrorKind::InvalidProperty)]
#[case(constraint("positive", "id > 0"), ErrorKind::InvalidArgument)]
#[case(constraint("small", "id < 3"), ErrorKind::InvalidRow)]
#[case(constraint("unknown", "list IS NOT NULL"), ErrorKind::InvalidRow)]
#[case(constraint("null", "list[0].a > 0"), ErrorKind::InvalidRow)]
#[case(constraint("odd", "nothing = 1"), ErrorKind::UnknownColumn)]
#[case(constraint("number", "id + 1"), ErrorKind::InvalidExpression)]
#[case(drop_constraint("nothing", false), ErrorKind::InvalidArgument)]
#[case(column("", StructField::nullable("ID", P::Long)), ErrorKind::InvalidArgument)]
#[case(column("", StructField::new("p", P::Long, false)), ErrorKind::InvalidArgument)]
#[case(column("nothing", StructField::nullable("p", P::Long)), ErrorKind::UnknownColumn)]
#[case(column("id", StructField::nullable("p", P::Long)), ErrorKind::InvalidArgument)]
#[case(column("", StructField::nullable("a b", P::Long)), ErrorKind::InvalidArgument)]
#[case(feature("deletionVector"), ErrorKind::InvalidArgument)]
fn what_cannot_be_is_refused(#[case] alteration: Alteration, #[case] kind: ErrorKind) {
    let place = table();
    let error = alter(&place, alteration).unwrap_err();
    assert_eq!((error.kind(), place.version()), (kind, Version(1)), "{error}");
}

#[rstest]
#[case(set("mine", "1"))]
#[case(unset("nothing", true))]
#[case(drop_constraint("nothing", true))]
#[case(feature("checkConstraints"))]
fn what_is_so_already_is_no_version(#[case] alteration: Alteration) {
    let place = table();
    assert_eq!(alter(&place, alteration).unwrap().version, None);
}

#[test]
fn a_new_column_has_an_id_where_columns_are_mapped() {
    let place = table();
    alter(&place, set("delta.columnMapping.mode", "name")).unwrap();
    alter(&place, column("list.element", StructField::nullable("a b", P::Long))).unwrap();
    let after = place.snapshot();
    assert_eq!(after.metadata().configuration["delta.columnMapping.maxColumnId"], json!("4").as_str().unwrap());
    append(&place, 7);
    assert_eq!(ids(&place), [1, 2, 3, 7, 8, 9]);
}
