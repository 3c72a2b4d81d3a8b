//! NVIDIA's devices and what NVIDIA publishes about them.

pub(crate) mod rim;
pub(crate) mod wanted;
