//! The quorum: which sets of cosigners suffice. In: the cosigners that have signed; out: whether they suffice, and if
//! not, what is missing. C2SP tlog-policy, sections "Defining the quorum" and "Defining a witness group".

use std::fmt;

/// The name of a cosigner or a group inside one policy. It means nothing outside and is compared byte by byte.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PolicyName(pub(super) Vec<u8>);

impl PolicyName {
    /// Its bytes, not necessarily UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The name as text; what is not UTF-8 is replaced.
impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PolicyName({self})")
    }
}

/// Who must have cosigned. Every name occurs once in it: each cosigner counts in one way only.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Quorum {
    /// Nobody: the log's word is enough.
    None,
    /// This cosigner.
    Cosigner(PolicyName),
    /// So many of the members.
    Group {
        /// The group's name.
        name: PolicyName,
        /// How many, at least one.
        threshold: usize,
        /// Cosigners and groups.
        members: Vec<Self>,
    },
}

impl Quorum {
    /// Whether the cosigners of whom `has_cosigned` holds suffice.
    pub(super) fn is_met(&self, has_cosigned: &impl Fn(&PolicyName) -> bool) -> bool {
        match self {
            Self::None => true,
            Self::Cosigner(name) => has_cosigned(name),
            Self::Group { threshold, members, .. } => {
                members.iter().filter(|member| member.is_met(has_cosigned)).count() >= *threshold
            }
        }
    }

    /// How the policy calls it.
    pub(super) fn name(&self) -> PolicyName {
        match self {
            Self::None => PolicyName(NONE.to_vec()),
            Self::Cosigner(name) | Self::Group { name, .. } => name.clone(),
        }
    }
}

/// The predefined name of the quorum of nobody.
pub(super) const NONE: &[u8] = b"none";
