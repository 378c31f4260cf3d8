//! Typing: an [`Expr`] and a schema give a [`BoundExpr`], which evaluates batches.
//!
//! Names become positions, implicit casts become explicit, conditional forms become `CASE`, and what depends on no column becomes a constant.

mod arithmetic;
pub(crate) mod coerce;
mod forms;
mod resolve;

use super::cast::Cast;
use super::context::EvalContext;
use super::display::operator_name;
use super::eval::like::Pattern;
use super::eval::{self, Rows};
use super::expr::{BinaryOp, Expr, OnCastFailure, Test, UnaryOp};
use super::functions::{ArgType, ColumnarArg, ScalarFunction, Signature, Volatility};
use super::parse::abbreviated;
use super::scalar::Scalar;
use super::sql_type::{arrow_type, describe};
use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::{DataType, Fields, Schema};
use deltaic_log::{Error, ErrorKind, Result, ResultExt};
use std::sync::Arc;

/// An expression with a meaning: typed, its names resolved against a schema.
///
/// ```
/// use arrow_array::{Int64Array, RecordBatch};
/// use deltaic_log::ManualClock;
/// use deltaic_scan::expr::{BoundExpr, EvalContext, parse};
/// use std::sync::Arc;
/// let batch = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1, 5])) as _)]).unwrap();
/// let context = EvalContext::new(&ManualClock::default());
/// let bound = BoundExpr::bind(&parse("N > 3").unwrap(), &batch.schema(), &context).unwrap();
/// assert_eq!(bound.evaluate_predicate(&batch, &context).unwrap(), vec![false, true].into());
/// ```
#[derive(Clone, Debug)]
pub struct BoundExpr {
    pub(crate) node: Node,
    data_type: DataType,
    nullable: bool,
    fallible: bool,
}

/// What a bound expression does. Operands have the types that the operation needs.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Column(usize),
    Constant(ArrayRef),
    Field { base: Box<BoundExpr>, index: usize },
    Element { base: Box<BoundExpr>, index: Box<BoundExpr>, origin: Origin },
    MapValue { base: Box<BoundExpr>, key: Box<BoundExpr> },
    Not(Box<BoundExpr>),
    Negate { expr: Box<BoundExpr>, origin: Origin },
    BitNot(Box<BoundExpr>),
    Arithmetic { op: BinaryOp, left: Box<BoundExpr>, right: Box<BoundExpr>, origin: Origin },
    Compare { op: BinaryOp, left: Box<BoundExpr>, right: Box<BoundExpr> },
    And(Vec<BoundExpr>),
    Or(Vec<BoundExpr>),
    Is { expr: Box<BoundExpr>, test: Test },
    Like { expr: Box<BoundExpr>, pattern: Pattern, origin: Origin },
    In { expr: Box<BoundExpr>, set: Arc<eval::membership::Set> },
    Case { branches: Vec<(BoundExpr, BoundExpr)>, otherwise: Box<BoundExpr> },
    Coalesce(Vec<BoundExpr>),
    Cast { expr: Box<BoundExpr>, cast: Cast, on_failure: OnCastFailure, origin: Origin },
    Call { function: Arc<dyn ScalarFunction>, args: Vec<BoundExpr>, origin: Origin },
}

/// The SQL text of an operation, for its errors.
pub(crate) type Origin = Arc<str>;

impl BoundExpr {
    /// Gives `expr` its meaning over rows of `schema`.
    ///
    /// Errors: [`ErrorKind::UnknownColumn`] for names that resolve to no column or several,
    /// [`ErrorKind::InvalidExpression`] for types that do not fit and functions that do not exist.
    pub fn bind(expr: &Expr, schema: &Schema, context: &EvalContext) -> Result<Self> {
        Binder { fields: &schema.fields, context }.bind(expr)
    }

    /// As [`bind`](Self::bind), and the expression must be a condition: Boolean, or the literal `NULL`.
    pub fn bind_predicate(expr: &Expr, schema: &Schema, context: &EvalContext) -> Result<Self> {
        Binder { fields: &schema.fields, context }.condition(expr)
    }

    /// The type of the result.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// Whether the result may be null.
    pub fn nullable(&self) -> bool {
        self.nullable
    }

    /// Whether evaluation may fail on some row.
    pub fn fallible(&self) -> bool {
        self.fallible
    }

    /// The result, an array of one row, if it is the same on every row.
    pub fn constant(&self) -> Option<&ArrayRef> {
        match &self.node {
            Node::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// The result for each row of a batch, which must have the schema that the expression was bound to.
    ///
    /// Errors: [`ErrorKind::Evaluation`], with the `expression` and the `values` at fault, where a row overflows,
    /// divides by zero or holds a value that cannot be cast. Rows that `AND`, `OR`, `CASE` and the like do not reach raise no errors.
    pub fn evaluate(&self, batch: &RecordBatch, context: &EvalContext) -> Result<ArrayRef> {
        let rows = Rows { columns: batch.columns(), len: batch.num_rows() };
        eval::evaluate(self, &rows, context)?.to_array(rows.len)
    }

    /// As [`evaluate`](Self::evaluate), for conditions: true, false or unknown (null) for each row.
    pub fn evaluate_predicate(&self, batch: &RecordBatch, context: &EvalContext) -> Result<BooleanArray> {
        let values = self.evaluate(batch, context)?;
        values.as_any().downcast_ref::<BooleanArray>().cloned().ok_or_else(|| {
            let message = format!("a condition must be BOOLEAN, not {}", describe(&self.data_type));
            Error::new(ErrorKind::InvalidExpression, message)
        })
    }

    pub(crate) fn new(node: Node, data_type: DataType, nullable: bool) -> Self {
        let fallible = fallible(&node);
        Self { node, data_type, nullable, fallible }
    }

    fn of_constant(value: ArrayRef) -> Self {
        let (data_type, nullable) = (value.data_type().clone(), value.is_null(0) || value.data_type().is_null());
        Self { node: Node::Constant(value), data_type, nullable, fallible: false }
    }

    /// The positions of the top-level columns that the expression reads.
    pub(crate) fn used_columns(&self, used: &mut Vec<usize>) {
        match &self.node {
            Node::Column(index) if !used.contains(index) => used.push(*index),
            _ => self.operands().into_iter().for_each(|operand| operand.used_columns(used)),
        }
    }

    /// The direct operands.
    pub(crate) fn operands(&self) -> Vec<&BoundExpr> {
        operands(&self.node)
    }
}

fn operands(node: &Node) -> Vec<&BoundExpr> {
    match node {
        Node::Column(_) | Node::Constant(_) => vec![],
        Node::Field { base: expr, .. }
        | Node::Not(expr)
        | Node::Negate { expr, .. }
        | Node::BitNot(expr)
        | Node::Is { expr, .. }
        | Node::In { expr, .. }
        | Node::Cast { expr, .. } => vec![expr],
        Node::Like { expr, pattern, .. } => std::iter::once(&**expr).chain(pattern.operand()).collect(),
        Node::Element { base: a, index: b, .. }
        | Node::MapValue { base: a, key: b }
        | Node::Arithmetic { left: a, right: b, .. }
        | Node::Compare { left: a, right: b, .. } => vec![a, b],
        Node::And(list) | Node::Or(list) | Node::Coalesce(list) | Node::Call { args: list, .. } => {
            list.iter().collect()
        }
        Node::Case { branches, otherwise } => {
            branches.iter().flat_map(|(when, then)| [when, then]).chain([&**otherwise]).collect()
        }
    }
}

/// Whether an operation, or one beneath it, can fail on a row.
fn fallible(node: &Node) -> bool {
    let itself = match node {
        Node::Arithmetic { op, .. } => *op != BinaryOp::Concat && !eval::is_bitwise(*op),
        Node::Cast { cast, on_failure, .. } => *on_failure == OnCastFailure::Error && cast.can_fail(),
        Node::Negate { .. } | Node::Element { .. } | Node::Call { .. } => true,
        Node::Like { pattern, .. } => pattern.can_fail(),
        _ => false,
    };
    itself || operands(node).into_iter().any(|operand| operand.fallible)
}

/// Binds against one schema.
pub(super) struct Binder<'a> {
    fields: &'a Fields,
    context: &'a EvalContext,
}

impl Binder<'_> {
    fn bind(&self, expr: &Expr) -> Result<BoundExpr> {
        match expr {
            Expr::Column(path) => resolve::column(path, self.fields),
            Expr::Literal(value) => Ok(BoundExpr::of_constant(value.to_array())),
            Expr::Field { base, name } => resolve::field(self.bind(base)?, name, &|| abbreviated(&base.to_string())),
            Expr::Index { base, index } => self.index(expr, base, index),
            Expr::Unary { op, expr: operand } => self.unary(expr, *op, operand),
            Expr::Binary { left, op, right } => self.binary(expr, left, *op, right),
            Expr::And(list) => self.connective(list, Node::And, true),
            Expr::Or(list) => self.connective(list, Node::Or, false),
            Expr::Is { expr, test, negated } => self.is(expr, *test, *negated),
            Expr::Like { .. } => self.like(expr),
            Expr::In { expr: operand, list, negated } => self.in_list(expr, operand, list, *negated),
            Expr::Between { expr: operand, low, high, negated } => self.between(expr, operand, low, high, *negated),
            Expr::Case { operand, branches, otherwise } => {
                self.case(expr, operand.as_deref(), branches, otherwise.as_deref())
            }
            Expr::Cast { expr: operand, data_type, on_failure } => {
                let operand = self.bind(operand)?;
                self.cast(operand, &arrow_type(*data_type), *on_failure, &|| abbreviated(&expr.to_string()))
            }
            Expr::Call { name, args } => match forms::conditional(name, args)? {
                Some(form) => self.form(expr, &form),
                None => self.call(expr, name, args),
            },
        }
    }

    /// A condition: Boolean or `NULL`.
    fn condition(&self, expr: &Expr) -> Result<BoundExpr> {
        let bound = self.bind(expr)?;
        match bound.data_type() {
            DataType::Boolean => Ok(bound),
            DataType::Null => self.implicit(bound, &DataType::Boolean, expr),
            other => Err(untypable(expr, &format!("a condition must be BOOLEAN, not {}", describe(other)))),
        }
    }

    /// An operand of `AND`, `OR` or `NOT`: a condition, or a string that is read as one.
    fn operand_condition(&self, expr: &Expr) -> Result<BoundExpr> {
        let bound = self.bind(expr)?;
        match bound.data_type() {
            DataType::Utf8 => self.implicit(bound, &DataType::Boolean, expr),
            _ => self.condition(expr),
        }
    }

    fn unary(&self, whole: &Expr, op: UnaryOp, operand: &Expr) -> Result<BoundExpr> {
        if op == UnaryOp::Not {
            let operand = self.operand_condition(operand)?;
            let nullable = operand.nullable;
            return Ok(self.folded(Node::Not(Box::new(operand)), DataType::Boolean, nullable));
        }
        let mut operand = self.bind(operand)?;
        if operand.data_type() == &DataType::Utf8 {
            operand = self.implicit(operand, &DataType::Float64, whole)?;
        }
        let (data_type, nullable) = (operand.data_type.clone(), operand.nullable);
        let fits = if op == UnaryOp::BitNot {
            coerce::is_integral(&data_type)
        } else {
            coerce::is_numeric(&data_type)
                || matches!(data_type, DataType::Interval(_) | DataType::Duration(_) | DataType::Null)
        };
        if !fits {
            return Err(untypable(whole, &format!("the operator takes a number, not {}", describe(&data_type))));
        }
        let expr = Box::new(operand);
        let node = match op {
            UnaryOp::BitNot => Node::BitNot(expr),
            _ => Node::Negate { expr, origin: origin(whole) },
        };
        Ok(self.folded(node, data_type, nullable))
    }

    fn binary(&self, whole: &Expr, left: &Expr, op: BinaryOp, right: &Expr) -> Result<BoundExpr> {
        let (left, right) = (self.bind(left)?, self.bind(right)?);
        if op.is_comparison() {
            return self.compare(whole, left, op, right);
        }
        let typing = arithmetic::typing(op, &left, &right).with("expression", abbreviated(&whole.to_string()))?;
        let nullable = left.nullable || right.nullable;
        let left = Box::new(self.implicit(left, &typing.left, whole)?);
        let right = Box::new(self.implicit(right, &typing.right, whole)?);
        let node = Node::Arithmetic { op, left, right, origin: origin(whole) };
        Ok(self.folded(node, typing.result, nullable))
    }

    fn compare(&self, whole: &Expr, left: BoundExpr, op: BinaryOp, right: BoundExpr) -> Result<BoundExpr> {
        let wide = coerce::wider(left.data_type(), right.data_type()).ok_or_else(|| {
            let (a, b) = (describe(left.data_type()), describe(right.data_type()));
            untypable(whole, &format!("`{}` cannot compare {a} with {b}: cast one of them", operator_name(op)))
        })?;
        if matches!(wide, DataType::Map(..)) {
            return Err(untypable(whole, "maps cannot be compared: compare their entries"));
        }
        let nullable = op != BinaryOp::NullSafeEq && (left.nullable || right.nullable);
        let left = Box::new(self.implicit(left, &wide, whole)?);
        let right = Box::new(self.implicit(right, &wide, whole)?);
        Ok(self.folded(Node::Compare { op, left, right }, DataType::Boolean, nullable))
    }

    fn connective(&self, list: &[Expr], node: fn(Vec<BoundExpr>) -> Node, neutral: bool) -> Result<BoundExpr> {
        let conditions: Vec<_> = list.iter().map(|expr| self.operand_condition(expr)).collect::<Result<_>>()?;
        if conditions.is_empty() {
            return Ok(BoundExpr::of_constant(Scalar::from(neutral).to_array()));
        }
        let nullable = conditions.iter().any(BoundExpr::nullable);
        Ok(self.folded(node(conditions), DataType::Boolean, nullable))
    }

    fn is(&self, expr: &Expr, test: Test, negated: bool) -> Result<BoundExpr> {
        let expr = Box::new(if test == Test::Null { self.bind(expr)? } else { self.condition(expr)? });
        let bound = self.folded(Node::Is { expr, test }, DataType::Boolean, false);
        Ok(self.not_if(negated, bound))
    }

    fn not_if(&self, negated: bool, bound: BoundExpr) -> BoundExpr {
        let nullable = bound.nullable;
        if negated { self.folded(Node::Not(Box::new(bound)), DataType::Boolean, nullable) } else { bound }
    }

    fn like(&self, whole: &Expr) -> Result<BoundExpr> {
        let Expr::Like { kind, expr, pattern, escape, negated } = whole else {
            return Err(Error::new(ErrorKind::Internal, "only LIKE is bound as LIKE"));
        };
        let text = |expr: &Expr| self.implicit(self.bind(expr)?, &DataType::Utf8, whole);
        let (expr, pattern) = (text(expr)?, text(pattern)?);
        let nullable = expr.nullable || pattern.nullable;
        let pattern = Pattern::new(*kind, pattern, *escape).with("expression", abbreviated(&whole.to_string()))?;
        let node = Node::Like { expr: Box::new(expr), pattern, origin: origin(whole) };
        let bound = self.folded(node, DataType::Boolean, nullable);
        Ok(self.not_if(*negated, bound))
    }

    fn in_list(&self, whole: &Expr, operand: &Expr, list: &[Expr], negated: bool) -> Result<BoundExpr> {
        let operand = self.bind(operand)?;
        let list: Vec<_> = list.iter().map(|expr| self.bind(expr)).collect::<Result<_>>()?;
        let types = std::iter::once(&operand).chain(&list).map(BoundExpr::data_type);
        let wide = coerce::widest(types)
            .ok_or_else(|| untypable(whole, "the operand and the list have no common type: cast them"))?;
        let operand = self.implicit(operand, &wide, whole)?;
        let list: Vec<_> = list.into_iter().map(|expr| self.implicit(expr, &wide, whole)).collect::<Result<_>>()?;
        let constants: Option<Vec<_>> = list.iter().map(|item| item.constant().cloned()).collect();
        let bound = match constants {
            Some(constants) => {
                let nullable = operand.nullable || list.iter().any(BoundExpr::nullable);
                let set = Arc::new(eval::membership::Set::try_new(&wide, &constants)?);
                self.folded(Node::In { expr: Box::new(operand), set }, DataType::Boolean, nullable)
            }
            None => {
                let equal = |item| self.compare(whole, operand.clone(), BinaryOp::Eq, item);
                let any: Vec<_> = list.into_iter().map(equal).collect::<Result<_>>()?;
                let nullable = any.iter().any(BoundExpr::nullable);
                self.folded(Node::Or(any), DataType::Boolean, nullable)
            }
        };
        Ok(self.not_if(negated, bound))
    }

    fn between(&self, whole: &Expr, operand: &Expr, low: &Expr, high: &Expr, negated: bool) -> Result<BoundExpr> {
        let operand = self.bind(operand)?;
        let above = self.compare(whole, operand.clone(), BinaryOp::GtEq, self.bind(low)?)?;
        let below = self.compare(whole, operand, BinaryOp::LtEq, self.bind(high)?)?;
        let nullable = above.nullable || below.nullable;
        let bound = self.folded(Node::And(vec![above, below]), DataType::Boolean, nullable);
        Ok(self.not_if(negated, bound))
    }

    fn case(
        &self,
        whole: &Expr,
        operand: Option<&Expr>,
        branches: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
    ) -> Result<BoundExpr> {
        let operand = operand.map(|operand| self.bind(operand)).transpose()?;
        let condition = |when: &Expr| match &operand {
            Some(operand) => self.compare(whole, operand.clone(), BinaryOp::Eq, self.bind(when)?),
            None => self.condition(when),
        };
        let conditions: Vec<_> = branches.iter().map(|(when, _)| condition(when)).collect::<Result<_>>()?;
        let mut results: Vec<_> = branches.iter().map(|(_, then)| self.bind(then)).collect::<Result<_>>()?;
        results.push(match otherwise {
            Some(otherwise) => self.bind(otherwise)?,
            None => BoundExpr::of_constant(Scalar::Null.to_array()),
        });
        let (mut results, wide) = self.common(whole, results)?;
        let nullable = results.iter().any(BoundExpr::nullable);
        let otherwise = results.pop().ok_or_else(|| untypable(whole, "CASE needs a branch"))?;
        let branches = conditions.into_iter().zip(results).collect();
        Ok(self.folded(Node::Case { branches, otherwise: Box::new(otherwise) }, wide, nullable))
    }

    /// The expressions, cast to the type that all of them convert to.
    fn common(&self, whole: &Expr, exprs: Vec<BoundExpr>) -> Result<(Vec<BoundExpr>, DataType)> {
        let wide = coerce::widest(exprs.iter().map(BoundExpr::data_type)).ok_or_else(|| {
            let types: Vec<_> = exprs.iter().map(|expr| describe(expr.data_type())).collect();
            untypable(whole, &format!("{} have no common type: cast them", types.join(", ")))
        })?;
        let cast: Result<Vec<_>> = exprs.into_iter().map(|expr| self.implicit(expr, &wide, whole)).collect();
        Ok((cast?, wide))
    }

    fn form(&self, whole: &Expr, form: &forms::Form) -> Result<BoundExpr> {
        match form {
            forms::Form::Rewritten(expr) => self.bind(expr),
            forms::Form::Coalesce(args) => {
                let bound: Vec<_> = args.iter().map(|arg| self.bind(arg)).collect::<Result<_>>()?;
                let (args, wide) = self.common(whole, bound)?;
                let nullable = args.iter().all(BoundExpr::nullable);
                Ok(self.folded(Node::Coalesce(args), wide, nullable))
            }
        }
    }

    fn index(&self, whole: &Expr, base: &Expr, index: &Expr) -> Result<BoundExpr> {
        let (base, index) = (Box::new(self.bind(base)?), self.bind(index)?);
        match base.data_type.clone() {
            DataType::List(item) => {
                let index = Box::new(self.implicit(index, &DataType::Int64, whole)?);
                let node = Node::Element { base, index, origin: origin(whole) };
                Ok(self.folded(node, item.data_type().clone(), true))
            }
            DataType::Map(entries, _) => {
                let DataType::Struct(kv) = entries.data_type() else {
                    return Err(untypable(whole, "the map has no keys and values"));
                };
                let key = Box::new(self.implicit(index, kv[0].data_type(), whole)?);
                Ok(self.folded(Node::MapValue { base, key }, kv[1].data_type().clone(), true))
            }
            other => Err(untypable(whole, &format!("{} has no elements: only arrays and maps do", describe(&other)))),
        }
    }

    fn call(&self, whole: &Expr, name: &str, args: &[Expr]) -> Result<BoundExpr> {
        let function =
            self.context.registry().get(name).cloned().ok_or_else(|| forms::no_function(name, self.context))?;
        let args: Vec<_> = args.iter().map(|arg| self.bind(arg)).collect::<Result<_>>()?;
        let types: Vec<_> = args
            .iter()
            .map(|arg| ArgType { data_type: arg.data_type(), nullable: arg.nullable(), constant: arg.constant() })
            .collect();
        let signature = function.resolve(&types, self.context);
        let Signature { arg_types, return_type, nullable } =
            signature.with("expression", abbreviated(&whole.to_string()))?;
        if arg_types.len() != args.len() {
            return Err(Error::new(ErrorKind::Internal, format!("`{name}` does not type all of its arguments")));
        }
        let cast = |(arg, wanted): (BoundExpr, &DataType)| self.implicit(arg, wanted, whole);
        let args: Vec<_> = args.into_iter().zip(&arg_types).map(cast).collect::<Result<_>>()?;
        let foldable = function.volatility() != Volatility::Volatile;
        let node = Node::Call { function, args, origin: origin(whole) };
        Ok(if foldable {
            self.folded(node, return_type, nullable)
        } else {
            BoundExpr::new(node, return_type, nullable)
        })
    }

    /// The expression as `target`, by a cast that nobody wrote.
    fn implicit(&self, expr: BoundExpr, target: &DataType, whole: &Expr) -> Result<BoundExpr> {
        self.cast(expr, target, OnCastFailure::Error, &|| abbreviated(&whole.to_string()))
    }

    fn cast(
        &self,
        expr: BoundExpr,
        target: &DataType,
        on_failure: OnCastFailure,
        origin: &dyn Fn() -> String,
    ) -> Result<BoundExpr> {
        if expr.data_type() == target {
            return Ok(expr);
        }
        let cast = Cast::try_new(expr.data_type(), target).map_err(|error| error.with("expression", origin()))?;
        let nullable = expr.nullable || on_failure == OnCastFailure::Null;
        let node = Node::Cast { expr: Box::new(expr), cast, on_failure, origin: origin().into() };
        Ok(self.folded(node, target.clone(), nullable))
    }

    /// The operation, or its result where that depends on no row. One that fails is kept: perhaps no row reaches it.
    fn folded(&self, node: Node, data_type: DataType, nullable: bool) -> BoundExpr {
        let bound = BoundExpr::new(node, data_type, nullable);
        let operands = bound.operands();
        if operands.iter().any(|operand| operand.constant().is_none()) {
            return bound;
        }
        let no_columns = Rows { columns: &[], len: 1 };
        match eval::evaluate(&bound, &no_columns, self.context).and_then(|result| result.to_array(1)) {
            Ok(value) if value.data_type() == bound.data_type() => BoundExpr::of_constant(value),
            _ => bound,
        }
    }
}

fn origin(expr: &Expr) -> Origin {
    abbreviated(&expr.to_string()).into()
}

fn untypable(expr: &Expr, message: &str) -> Error {
    Error::new(ErrorKind::InvalidExpression, message).with("expression", abbreviated(&expr.to_string()))
}

/// The result of an operation, marked constant where all of its operands are.
pub(crate) fn like_operands(operands: &[ColumnarArg], values: ArrayRef) -> ColumnarArg {
    let constant = operands.iter().all(|operand| matches!(operand, ColumnarArg::Constant(_)));
    if constant { ColumnarArg::Constant(values) } else { ColumnarArg::Array(values) }
}
