//! What confines the command, by the names that stand in the statement as `job.sandbox` (docs/agent.md).

use prooftrail_protocol::sandbox;
use serde::{Deserialize, Serialize};

/// One thing that was enforced, and checked to be in force, before the command started.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Sandbox {
    /// No capability, and none to regain.
    NoCapabilities,
    /// Neither core files nor a core handler see its memory.
    NoCore,
    /// No attestation device, launcher socket or configfs.
    NoDevices,
    /// No socket of any family, vsock and io_uring included.
    NoNetwork,
    /// Nothing it executes can gain privileges.
    NoNewPrivs,
    /// A process id namespace of its own: nothing outlives the command, and no other process is visible.
    PidNamespace,
    /// Files are written where the agent said, and nowhere else.
    RestrictedFiles,
}

impl Sandbox {
    /// The name, as in the statement.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoCapabilities => sandbox::NO_CAPABILITIES,
            Self::NoCore => sandbox::NO_CORE,
            Self::NoDevices => sandbox::NO_DEVICES,
            Self::NoNetwork => sandbox::NO_NETWORK,
            Self::NoNewPrivs => sandbox::NO_NEW_PRIVS,
            Self::PidNamespace => sandbox::PID_NAMESPACE,
            Self::RestrictedFiles => sandbox::RESTRICTED_FILES,
        }
    }

    /// Every item.
    pub const ALL: [Self; 7] = [
        Self::NoCapabilities,
        Self::NoCore,
        Self::NoDevices,
        Self::NoNetwork,
        Self::NoNewPrivs,
        Self::PidNamespace,
        Self::RestrictedFiles,
    ];
}

#[cfg(test)]
mod tests {
    use super::Sandbox;

    #[test]
    fn the_names_are_those_of_the_wire_and_sorted() {
        let names: Vec<_> = Sandbox::ALL.iter().map(|item| item.name()).collect();
        assert!(names.is_sorted() && Sandbox::ALL.is_sorted());
        for item in Sandbox::ALL {
            assert_eq!(serde_json::to_string(&item).unwrap(), format!("\"{}\"", item.name()));
        }
    }
}
