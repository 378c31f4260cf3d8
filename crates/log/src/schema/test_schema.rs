//! Random schemas for property tests.

use super::{DataType, DecimalType, PrimitiveType, StructField, StructType};
use proptest::prelude::*;

/// Any primitive type.
pub(crate) fn any_primitive() -> impl Strategy<Value = PrimitiveType> {
    use PrimitiveType as P;
    let decimal = (1_u8..=38).prop_flat_map(|precision| (Just(precision), 0..=precision));
    prop_oneof![
        proptest::sample::select(P::ALL_BUT_DECIMALS.to_vec()),
        decimal.prop_map(|(precision, scale)| P::Decimal(DecimalType { precision, scale })),
    ]
}

/// A schema of a few columns, nested to some depth.
pub(crate) fn any_schema() -> impl Strategy<Value = StructType> {
    let leaf = prop_oneof![any_primitive().prop_map(DataType::from), Just(DataType::Variant)];
    let nested = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            any_fields(inner.clone()).prop_map(DataType::from),
            (inner.clone(), any::<bool>()).prop_map(|(element, null)| DataType::array(element, null)),
            (any_primitive().prop_filter("keys have values", |key| *key != PrimitiveType::Void), inner, any::<bool>())
                .prop_map(|(key, value, null)| DataType::map(key, value, null)),
        ]
    });
    any_fields(nested)
}

fn any_fields(data_type: impl Strategy<Value = DataType>) -> impl Strategy<Value = StructType> {
    let metadata = proptest::option::of(("[a-z.]{1,6}", "\\PC{0,6}"));
    let field = ("\\PC{1,6}", data_type, any::<bool>(), metadata).prop_map(|(name, data_type, nullable, metadata)| {
        let field = StructField::new(name, data_type, nullable);
        match metadata {
            Some((key, value)) => field.with_metadata(key, value),
            None => field,
        }
    });
    proptest::collection::vec(field, 0..4).prop_map(StructType::new)
}
