//! The Merkle tree: hashes in, roots and proofs out. Appending needs only the [`Frontier`]; making a proof needs the
//! stored nodes that its [`ProofPlan`] names; verifying needs nothing but the proof.
//!
//! RFC 6962 section 2.1 defines the tree and the proofs, RFC 9162 section 2.1.3 to 2.1.4 the verification, and
//! draft-ietf-plants-merkle-tree-certs section 4 the subtrees. Every function is exact for all sizes of 64 bits.

mod consistency;
mod frontier;
mod inclusion;
mod node;
mod plan;
mod subtree;

pub use consistency::{ConsistencyError, verify_consistency};
pub use frontier::{Frontier, FrontierError};
pub use inclusion::{InclusionError, verify_inclusion};
pub use node::{HashReader, Node};
pub use plan::ProofPlan;
pub use subtree::{InvalidSubtree, Subtree, SubtreeConsistencyError};
