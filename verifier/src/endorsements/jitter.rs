//! A little chance in when things are done, so that a fleet that was started together does not ask together. In: nothing;
//! out: a fraction.

/// A number from 0 up to, not including, 1. Where the system gives no chance, the middle: times then coincide, and nothing
/// else is at stake.
pub(super) fn fraction() -> f64 {
    let number = getrandom::u32().unwrap_or(u32::MAX / 2);
    f64::from(number) / (f64::from(u32::MAX) + 1.0)
}

/// A duration, up to a fifth shorter or longer.
pub(super) fn about(duration: std::time::Duration) -> std::time::Duration {
    duration.mul_f64(0.8 + 0.4 * fraction())
}
