//! The compliance report: what is derived from rows, that rows which do not fit are refused, that the same rows give the
//! same bytes, and that no row can become markup, a script or a formula.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that fails fails its test")]

mod documentation;
mod fixture;
mod hostile;
mod model;
mod page;
mod refused;
