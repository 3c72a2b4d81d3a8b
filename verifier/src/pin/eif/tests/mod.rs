//! Images that are in order, then one mutation per rule, then what hostile files try.

mod hostile;
mod image;
mod rules;
mod signed;
mod vectors;
mod written;

use prooftrail_evidence::AwsLc;

use super::{EifError, Measurements, measure};

/// The length of an image in memory.
fn length(image: &[u8]) -> u64 {
    u64::try_from(image.len()).unwrap()
}

/// Measures an image in memory.
fn measure_bytes(image: &[u8]) -> Result<Measurements, EifError> {
    measure(image, length(image), &AwsLc, &mut |_, _| {})
}
