//! The agent's tests: its real command line with a simulated hypervisor's collector, real processes, real sockets.

/// The seed of the simulated hypervisor that attests here.
pub const HYPERVISOR: &str = "agent tests";
