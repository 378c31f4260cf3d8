//! The manual: why things are as they are.
//!
//! | page | answers |
//! |---|---|
//! | [`architecture`] | which crate knows what, and what none of them does |
//! | [`embedding`] | how an engine brings its own storage, clock and threads, and spreads a scan over machines |
//! | [`errors`] | what each kind of error asks of the caller |
//! | [`expressions`] | the SQL of predicates, and where it differs from Spark's |
//! | [`features`] | which table features are supported |
//! | [`writers`] | who may write to a table at the same time |

#[doc = include_str!("architecture.md")]
pub mod architecture {}

#[doc = include_str!("embedding.md")]
pub mod embedding {}

#[doc = include_str!("errors.md")]
pub mod errors {}

#[doc = include_str!("expressions.md")]
pub mod expressions {}

#[doc = include_str!("features.md")]
pub mod features {}

#[doc = include_str!("writers.md")]
pub mod writers {}
