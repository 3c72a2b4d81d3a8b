//! Bytes → authentic claims.

mod authentic;

pub use authentic::{Authentic, InputDigest, Refusal, check};
