//! Making a trust policy, name by name. In: logs, cosigners, groups and the quorum, each after what it refers to; out: a
//! policy without contradictions, or the reason. C2SP tlog-policy, section "Policy file syntax and structure".

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    VerifierKey,
    note::SignatureType,
    trust_policy::{PolicyName, Quorum, TrustPolicy, TrustedCosigner, TrustedLog, quorum::NONE},
};

/// The most logs of a policy.
pub const MAX_LOGS: usize = 64;

/// The most cosigners and groups of a policy, together.
pub const MAX_NAMES: usize = 256;

/// How many members of a group suffice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Threshold {
    /// Every one.
    All,
    /// One.
    Any,
    /// So many.
    AtLeast(u64),
}

/// A policy in the making.
#[derive(Clone, Debug, Default)]
pub struct TrustPolicyBuilder {
    logs: Vec<TrustedLog>,
    cosigners: Vec<TrustedCosigner>,
    names: BTreeMap<PolicyName, Named>,
    quorum: Option<Quorum>,
}

/// What a name stands for.
#[derive(Clone, Debug)]
struct Named {
    meaning: Quorum,
    /// Whether it is in a group; it cannot be in a second one, but it can still be the quorum.
    is_member: bool,
}

impl TrustPolicyBuilder {
    /// No logs, no cosigners, no quorum.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts a log.
    ///
    /// # Errors
    /// [`PolicyError::LogKeyType`], [`PolicyError::DuplicateKey`] or [`PolicyError::TooManyLogs`].
    pub fn log(&mut self, log: TrustedLog) -> Result<&mut Self, PolicyError> {
        match log.key.signature_type() {
            SignatureType::Ed25519 | SignatureType::MlDsa44Cosignature => {}
            signature_type @ SignatureType::Ed25519Cosignature => {
                return Err(PolicyError::LogKeyType { code: signature_type.code() });
            }
        }
        if self.logs.iter().any(|other| same_key(&other.key, &log.key)) {
            return Err(PolicyError::DuplicateKey);
        }
        if self.logs.len() >= MAX_LOGS {
            return Err(PolicyError::TooManyLogs { max: MAX_LOGS });
        }
        self.logs.push(log);
        Ok(self)
    }

    /// Trusts a cosigner under `name`.
    ///
    /// # Errors
    /// [`PolicyError::CosignerKeyType`], [`PolicyError::DuplicateKey`] or the reasons against the name.
    pub fn cosigner(&mut self, name: &[u8], key: VerifierKey, url: Option<Vec<u8>>) -> Result<&mut Self, PolicyError> {
        match key.signature_type() {
            SignatureType::Ed25519Cosignature | SignatureType::MlDsa44Cosignature => {}
            signature_type @ SignatureType::Ed25519 => {
                return Err(PolicyError::CosignerKeyType { code: signature_type.code() });
            }
        }
        if self.cosigners.iter().any(|other| same_key(&other.key, &key)) {
            return Err(PolicyError::DuplicateKey);
        }
        let name = PolicyName(name.to_vec());
        self.define(&name, Quorum::Cosigner(name.clone()))?;
        self.cosigners.push(TrustedCosigner { name, key, url });
        Ok(self)
    }

    /// Makes a group of names defined before.
    ///
    /// # Errors
    /// [`PolicyError::Threshold`], [`PolicyError::UnknownName`], [`PolicyError::MemberTwice`] or the reasons against the
    /// name.
    pub fn group(&mut self, name: &[u8], threshold: Threshold, members: &[&[u8]]) -> Result<&mut Self, PolicyError> {
        let need = match threshold {
            Threshold::All => Some(members.len()),
            Threshold::Any => Some(1),
            Threshold::AtLeast(need) => usize::try_from(need).ok(),
        };
        let need = need
            .filter(|need| (1..=members.len()).contains(need))
            .ok_or(PolicyError::Threshold { members: members.len() })?;
        let mut taken = BTreeSet::new();
        let mut meanings = Vec::new();
        for member in members {
            let member = PolicyName(member.to_vec());
            let named = self.find(&member)?;
            if named.is_member || taken.contains(&member) {
                return Err(PolicyError::MemberTwice { name: member });
            }
            meanings.push(named.meaning.clone());
            taken.insert(member);
        }
        let name = PolicyName(name.to_vec());
        self.define(&name, Quorum::Group { name: name.clone(), threshold: need, members: meanings })?;
        for (name, named) in &mut self.names {
            named.is_member |= taken.contains(name);
        }
        Ok(self)
    }

    /// Demands the cosigner or group `name`, defined before, or `none`.
    ///
    /// # Errors
    /// [`PolicyError::SecondQuorum`] or [`PolicyError::UnknownName`].
    pub fn quorum(&mut self, name: &[u8]) -> Result<&mut Self, PolicyError> {
        if self.quorum.is_some() {
            return Err(PolicyError::SecondQuorum);
        }
        self.quorum = Some(if name == NONE {
            Quorum::None
        } else {
            let name = PolicyName(name.to_vec());
            self.find(&name)?.meaning.clone()
        });
        Ok(self)
    }

    /// The policy.
    ///
    /// # Errors
    /// [`PolicyError::NoQuorum`].
    pub fn build(self) -> Result<TrustPolicy, PolicyError> {
        let quorum = self.quorum.ok_or(PolicyError::NoQuorum)?;
        Ok(TrustPolicy { logs: self.logs, cosigners: self.cosigners, quorum })
    }

    fn define(&mut self, name: &PolicyName, meaning: Quorum) -> Result<(), PolicyError> {
        if name.as_bytes() == NONE || name.as_bytes().is_empty() {
            return Err(PolicyError::ReservedName);
        }
        if self.names.contains_key(name) {
            return Err(PolicyError::DuplicateName { name: name.clone() });
        }
        if self.names.len() >= MAX_NAMES {
            return Err(PolicyError::TooManyNames { max: MAX_NAMES });
        }
        self.names.insert(name.clone(), Named { meaning, is_member: false });
        Ok(())
    }

    fn find(&self, name: &PolicyName) -> Result<&Named, PolicyError> {
        self.names.get(name).ok_or_else(|| PolicyError::UnknownName { name: name.clone() })
    }
}

/// Whether two keys are one, whatever their names, ids and types.
fn same_key(a: &VerifierKey, b: &VerifierKey) -> bool {
    a.public_key() == b.public_key()
}

/// Why there is no such policy.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A log's key is of a type that logs do not sign with.
    #[error("logs do not sign with keys of type 0x{code:02x}")]
    LogKeyType {
        /// The type's byte.
        code: u8,
    },
    /// A cosigner's key is of a type that cosigners do not sign with.
    #[error("cosigners do not sign with keys of type 0x{code:02x}")]
    CosignerKeyType {
        /// The type's byte.
        code: u8,
    },
    /// Another log, or another cosigner, has the same public key.
    #[error("the public key is listed twice")]
    DuplicateKey,
    /// `none` or nothing, as the name of a cosigner or group.
    #[error("a cosigner or group cannot be called none, or nothing")]
    ReservedName,
    /// Two cosigners or groups have one name.
    #[error("the name {name} is defined twice")]
    DuplicateName {
        /// The name.
        name: PolicyName,
    },
    /// A name that nothing before has defined.
    #[error("the name {name} is not defined before its use")]
    UnknownName {
        /// The name.
        name: PolicyName,
    },
    /// A cosigner or group is a member twice, of one group or of two.
    #[error("{name} is a member of a group already")]
    MemberTwice {
        /// The name.
        name: PolicyName,
    },
    /// A threshold of no members, or of more than there are.
    #[error("the threshold is not from 1 to the number of members, {members}")]
    Threshold {
        /// The number of members.
        members: usize,
    },
    /// More than one quorum.
    #[error("there is a second quorum")]
    SecondQuorum,
    /// No quorum.
    #[error("there is no quorum")]
    NoQuorum,
    /// More logs than are accepted.
    #[error("there are more than {max} logs")]
    TooManyLogs {
        /// The cap.
        max: usize,
    },
    /// More cosigners and groups than are accepted.
    #[error("there are more than {max} cosigners and groups")]
    TooManyNames {
        /// The cap.
        max: usize,
    },
}
