//! Numbers.

use super::super::ArgType;
use super::call::Call;
use super::function::{Function, Returns, function, library, overloaded, own};
use super::parameter::Param;
use super::rounding;
use crate::expr::bind::coerce::{adjusted_decimal, decimal_of_constant, decimal_shape, is_numeric};
use crate::expr::eval::compare::normalised_array;
use crate::expr::sql_type::describe;
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, UInt64Array, new_null_array};
use arrow_ord::ord::make_comparator;
use arrow_schema::{DataType, SortOptions};
use arrow_select::concat::concat;
use arrow_select::take::take;
use datafusion_functions::math as core;
use datafusion_spark::function::math as spark;
use deltaic_log::{Error, ErrorKind, Result};
use std::cmp::Ordering;
use std::sync::Arc;

/// The functions on numbers.
pub(super) fn table() -> Vec<Function> {
    use Param::{AsDecimal, Common, Double, Int, Number};
    let mut table = rounding::table();
    table.extend([
        function("abs", &[], library(&[Number], Returns::Argument(0), spark::abs())),
        overloaded(
            "ceil",
            &["ceiling"],
            vec![
                library(&[Number], Returns::By(rounding::whole), spark::ceil()),
                own(&[AsDecimal, Int], Returns::By(rounding::scaled), rounding::ceil),
            ],
        ),
        overloaded(
            "floor",
            &[],
            vec![
                library(&[Number], Returns::By(rounding::whole), spark::floor()),
                own(&[AsDecimal, Int], Returns::By(rounding::scaled), rounding::floor),
            ],
        ),
        function("sqrt", &[], own(&[Double], Returns::Double, square_root)),
        function("cbrt", &[], library(&[Double], Returns::Double, core::cbrt())),
        function("exp", &[], library(&[Double], Returns::Double, core::exp())),
        function("expm1", &[], library(&[Double], Returns::Double, spark::expm1())),
        function("pow", &["power"], library(&[Double, Double], Returns::Double, core::power())),
        function("sign", &["signum"], library(&[Double], Returns::Double, core::signum())),
        function("ln", &[], own(&[Double], Returns::Double, |call| logarithm(call, f64::ln))),
        function("log10", &[], own(&[Double], Returns::Double, |call| logarithm(call, f64::log10))),
        function("log2", &[], own(&[Double], Returns::Double, |call| logarithm(call, f64::log2))),
        overloaded(
            "log",
            &[],
            vec![
                own(&[Double], Returns::Double, |call| logarithm(call, f64::ln)),
                own(&[Double, Double], Returns::Double, logarithm_of_base),
            ],
        ),
        function("isnan", &[], own(&[Double], Returns::Boolean, is_nan)),
        function("nanvl", &[], library(&[Double, Double], Returns::Double, core::nanvl())),
        function("mod", &[], library(&[Common, Common], Returns::By(remainder), spark::modulus())),
        function("pmod", &[], library(&[Common, Common], Returns::By(remainder), spark::pmod())),
        function("greatest", &[], own(&[Common, Common, Common], Returns::Argument(0), greatest).repeated()),
        function("least", &[], own(&[Common, Common, Common], Returns::Argument(0), least).repeated()),
    ]);
    table
}

/// `NaN` of negative numbers, where the library fails.
fn square_root(call: &Call<'_>) -> Result<ArrayRef> {
    let numbers = call.double(0);
    call.collect::<Float64Array, f64>(|row| Ok(Some(numbers.value(row).sqrt())))
}

/// A logarithm: null where Java's would be `NaN` or infinite, save for those arguments themselves.
fn logarithm(call: &Call<'_>, log: fn(f64) -> f64) -> Result<ArrayRef> {
    let numbers = call.double(0);
    call.collect::<Float64Array, _>(|row| {
        let number = numbers.value(row);
        Ok((number > 0.0 || number.is_nan()).then(|| log(number)))
    })
}

/// `log(base, number)`.
fn logarithm_of_base(call: &Call<'_>) -> Result<ArrayRef> {
    let (bases, numbers) = (call.double(0), call.double(1));
    call.collect::<Float64Array, _>(|row| {
        let (base, number) = (bases.value(row), numbers.value(row));
        let defined = !(base <= 0.0 || number <= 0.0);
        Ok(defined.then(|| number.ln() / base.ln()))
    })
}

fn is_nan(call: &Call<'_>) -> Result<ArrayRef> {
    let numbers = call.double(0);
    let values = (0..call.rows).map(|row| Some(numbers.is_valid(row) && numbers.value(row).is_nan()));
    Ok(Arc::new(values.collect::<BooleanArray>()))
}

/// The type of `a % b`: of decimals, as many digits as the smaller one needs.
fn remainder(args: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    let wide = &arg_types[0];
    let shape = |arg: &ArgType<'_>| {
        let fitted = arg.constant.and_then(decimal_of_constant);
        decimal_shape(fitted.as_ref().unwrap_or(arg.data_type))
    };
    match (wide, shape(&args[0]), shape(&args[1])) {
        (DataType::Decimal128(..), Some((p1, s1)), Some((p2, s2))) => {
            let scale = s1.max(s2);
            Ok(adjusted_decimal((p1 - s1).min(p2 - s2) + scale, scale))
        }
        _ if is_numeric(wide) => Ok(wide.clone()),
        _ => Err(Error::new(
            ErrorKind::InvalidExpression,
            format!("numbers have remainders, {} has none", describe(wide)),
        )),
    }
}

fn greatest(call: &Call<'_>) -> Result<ArrayRef> {
    extreme(call, Ordering::Greater)
}

fn least(call: &Call<'_>) -> Result<ArrayRef> {
    extreme(call, Ordering::Less)
}

/// Of the values that are not null the one that compares so with all others, the first one among equals.
fn extreme(call: &Call<'_>, wanted: Ordering) -> Result<ArrayRef> {
    if call.return_type.is_null() {
        return Ok(new_null_array(call.return_type, call.rows));
    }
    let args: Vec<&dyn Array> = call.args.iter().map(|arg| &**arg).collect();
    let all = concat(&args)?;
    let comparable = normalised_array(&all);
    let order = make_comparator(&comparable, &comparable, SortOptions { descending: false, nulls_first: true })?;
    let place = |row: usize| {
        let candidates = (0..args.len()).map(|arg| arg * call.rows + row).filter(|at| all.is_valid(*at));
        let best = candidates.reduce(|best, at| if order(at, best) == wanted { at } else { best });
        best.and_then(|at| u64::try_from(at).ok())
    };
    let places: UInt64Array = (0..call.rows).map(place).collect();
    Ok(take(&all, &places, None)?)
}
