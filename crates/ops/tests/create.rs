//! Making tables, as its users see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use deltaic_log::schema::{DataType, PrimitiveType as P, StructField, StructType};
use deltaic_log::{ErrorKind, Version};
use deltaic_ops::CreateBuilder;
use deltaic_ops::create::CreateMode;
use futures::executor::block_on;
use rstest::rstest;
use support::{Place, batch, ids, numbers};

fn schema() -> StructType {
    StructType::new([StructField::new("id", P::Long, false), StructField::nullable("p", P::String)])
}

fn create(
    place: &Place,
    with: impl FnOnce(CreateBuilder) -> CreateBuilder,
) -> deltaic_log::Result<deltaic_ops::Report> {
    block_on(with(CreateBuilder::new(place.target(), schema())).execute())
}

#[rstest]
#[case(&[], (1, 2), &[])]
#[case(&[("delta.enableChangeDataFeed", "true")], (1, 7), &["appendOnly", "changeDataFeed", "invariants"])]
#[case(&[("delta.columnMapping.mode", "name")], (2, 7), &["appendOnly", "columnMapping", "invariants"])]
#[case(&[("delta.enableDeletionVectors", "true")], (3, 7), &["appendOnly", "deletionVectors", "invariants"])]
#[case(&[("delta.feature.v2Checkpoint", "supported")], (3, 7), &["appendOnly", "invariants", "v2Checkpoint"])]
#[case(&[("delta.logRetentionDuration", "interval 3 days"), ("mine", "x")], (1, 2), &[])]
fn the_protocol_is_as_low_as_can_be(
    #[case] properties: &[(&str, &str)],
    #[case] versions: (i32, i32),
    #[case] features: &[&str],
) {
    let place = Place::in_memory();
    create(&place, |create| properties.iter().fold(create, |create, (key, value)| create.property(*key, *value)))
        .unwrap();
    let snapshot = place.snapshot();
    let protocol = snapshot.protocol();
    assert_eq!((protocol.min_reader_version, protocol.min_writer_version), versions);
    let named: Vec<&str> = protocol.writer_features.iter().flatten().map(String::as_str).collect();
    assert_eq!(named, features);
}

#[rstest]
#[case(("delta.appendOnly", "yes"), ErrorKind::InvalidProperty)]
#[case(("delta.appendOnyl", "true"), ErrorKind::InvalidProperty)]
#[case(("delta.constraints.c", "id > 0"), ErrorKind::InvalidProperty)]
#[case(("delta.feature.timeTravel", "supported"), ErrorKind::InvalidProperty)]
#[case(("delta.feature.deletionVectors", "true"), ErrorKind::InvalidProperty)]
#[case(("delta.columnMapping.maxColumnId", "7"), ErrorKind::InvalidProperty)]
#[case(("delta.enableIcebergCompatV1", "true"), ErrorKind::UnsupportedProtocol)]
fn properties_are_checked(#[case] (key, value): (&str, &str), #[case] kind: ErrorKind) {
    let place = Place::in_memory();
    let error = create(&place, |create| create.property(key, value)).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(place.target().snapshot().is_none());
}

#[rstest]
#[case(StructField::nullable("a b", P::Long), ErrorKind::InvalidArgument)]
#[case(StructField::nullable("", P::Long), ErrorKind::InvalidArgument)]
#[case(StructField::nullable("ID", P::Long), ErrorKind::InvalidArgument)]
#[case(StructField::nullable("g", P::Long).with_metadata("delta.generationExpression", "nothing + 1"), ErrorKind::UnknownColumn)]
#[case(StructField::nullable("g", P::Long).with_metadata("delta.generationExpression", "g + 1"), ErrorKind::InvalidExpression)]
#[case(StructField::nullable("g", P::Long).with_metadata("delta.generationExpression", "id +"), ErrorKind::InvalidExpression)]
#[case(StructField::nullable("d", P::Long).with_metadata("CURRENT_DEFAULT", "id"), ErrorKind::UnknownColumn)]
#[case(StructField::nullable("i", P::Integer).with_metadata("delta.identity.step", 1), ErrorKind::InvalidArgument)]
#[case(StructField::nullable("i", P::Long).with_metadata("delta.identity.step", 0), ErrorKind::CorruptLog)]
fn columns_are_checked(#[case] field: StructField, #[case] kind: ErrorKind) {
    let place = Place::in_memory();
    let mut fields = schema().fields;
    fields.push(field);
    let error = block_on(CreateBuilder::new(place.target(), StructType::new(fields)).execute()).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(place.target().snapshot().is_none());
}

#[rstest]
#[case(&["nothing"], ErrorKind::UnknownColumn)]
#[case(&["p", "P"], ErrorKind::InvalidArgument)]
#[case(&["p", "id"], ErrorKind::InvalidArgument)]
fn partitioning_is_checked(#[case] columns: &[&str], #[case] kind: ErrorKind) {
    let place = Place::in_memory();
    let error = create(&place, |create| create.partition_by(columns.iter().copied())).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let list = StructType::new([
        StructField::nullable("l", DataType::array(P::Long, true)),
        StructField::nullable("id", P::Long),
    ]);
    let builder = CreateBuilder::new(place.target(), list).partition_by(["l"]);
    assert_eq!(block_on(builder.execute()).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_table_that_is_there_stays_or_is_replaced() {
    let place = Place::in_memory();
    create(&place, |create| create.property("mine", "1")).unwrap();
    place.write(batch(&[("id", numbers(0..3))]), |write| write.mode(deltaic_ops::write::WriteMode::Append)).unwrap();
    let id = place.snapshot().metadata().id.clone();
    assert_eq!(create(&place, |create| create).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let report = create(&place, |create| create.mode(CreateMode::IfNotExists)).unwrap();
    assert_eq!((report.version, ids(&place)), (None, vec![0, 1, 2]));
    let replace = |create: CreateBuilder| create.mode(CreateMode::OrReplace).partition_by(["P"]).property("yours", "2");
    assert_eq!(create(&place, replace).unwrap().version, Some(Version(2)));
    let snapshot = place.snapshot();
    assert_eq!((place.row_count(), &snapshot.metadata().id), (0, &id));
    assert_eq!(snapshot.configuration().partition_columns(), ["p"]);
    assert_eq!(snapshot.configuration().properties().text("mine"), None);
    assert_eq!(place.commit(2)[0]["commitInfo"]["operation"], "CREATE OR REPLACE TABLE");
}

#[test]
fn constraints_are_checked_and_named_in_lower_case() {
    let place = Place::in_memory();
    let error = create(&place, |create| create.constraint("c", "nothing > 0")).unwrap_err();
    assert_eq!((error.kind(), error.context("constraint")), (ErrorKind::UnknownColumn, Some("c")));
    assert_eq!(
        create(&place, |create| create.constraint("c", "id + 1")).unwrap_err().kind(),
        ErrorKind::InvalidExpression
    );
    create(&place, |create| create.constraint("Big", "id > 0")).unwrap();
    let snapshot = place.snapshot();
    assert_eq!(snapshot.configuration().properties().constraints().collect::<Vec<_>>(), [("big", "id > 0")]);
    assert_eq!(snapshot.protocol().min_writer_version, 3);
}
