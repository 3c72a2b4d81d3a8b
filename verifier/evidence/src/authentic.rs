//! What authentication yields: evidence the silicon vouches for, with its claims and with everything the verdict will
//! rest on; or the refusal that says where it failed.

use prooftrail_result::{
    Check, EvidenceId, Kind, Outcome, Reason, Timestamp, TrustAnchor,
    claims::{Claims, cross_vendor},
};

/// Authentic evidence: signatures, chain, revocation, times and internal bindings hold at the instant of appraisal.
///
/// Only the authenticators of this crate make one. It is not generic over the format, because a policy appraises a set
/// of many kinds as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Authentic {
    pub(crate) evidence_id: EvidenceId,
    pub(crate) claims: Claims,
    pub(crate) checks: Vec<Check>,
    pub(crate) objections: Vec<Reason>,
    pub(crate) valid_until: Timestamp,
    pub(crate) trust_anchor: TrustAnchor,
    pub(crate) debug_applies: bool,
    pub(crate) links: Vec<Link>,
    pub(crate) issuer_keys: Vec<[u8; 32]>,
    pub(crate) inputs: Vec<InputDigest>,
}

impl Authentic {
    /// The format of the evidence.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.evidence_id.kind
    }

    /// Its identity.
    #[must_use]
    pub const fn evidence_id(&self) -> EvidenceId {
        self.evidence_id
    }

    /// What it establishes.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The checks made, in order.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Why no policy can allow it, though it is authentic: every failure of the stages `tcb` and `claims`.
    #[must_use]
    pub fn objections(&self) -> &[Reason] {
        &self.objections
    }

    /// The last instant at which everything it rests on is still valid.
    #[must_use]
    pub const fn valid_until(&self) -> Timestamp {
        self.valid_until
    }

    /// Who named the root.
    #[must_use]
    pub const fn trust_anchor(&self) -> TrustAnchor {
        self.trust_anchor
    }

    /// Whether this kind of TEE has a debug mode at all, so that an absent `debug` means "not shown to be off".
    #[must_use]
    pub const fn debug_applies(&self) -> bool {
        self.debug_applies
    }

    /// What it has in common with every other piece of evidence about the same machine or device; in no particular order.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Those of its roots that are keys which a token's issuer publishes, from key sets that say whose they are: SHA-256 of each
    /// SubjectPublicKeyInfo in DER. Issuers change such keys within days; a policy can allow them as a whole.
    #[must_use]
    pub fn issuer_keys(&self) -> &[[u8; 32]] {
        &self.issuer_keys
    }

    /// The digest of every input the verdict rests on, so that it can be recomputed at any later time.
    #[must_use]
    pub fn inputs(&self) -> &[InputDigest] {
        &self.inputs
    }

    /// Whether the caller's nonce was found in the evidence.
    #[must_use]
    pub fn nonce_matched(&self) -> bool {
        self.checks.contains(&Check { name: check::NONCE, outcome: Outcome::Passed })
    }

    /// Whether the caller's binding was found in the evidence.
    #[must_use]
    pub fn binding_matched(&self) -> bool {
        self.claims.get(cross_vendor::BINDING).is_some()
    }
}

/// A fact by which a set tells that two of its pieces speak of one machine: two pieces are linked by a fact where both have
/// it, with the same value. Each was established: it stands in bytes that the hardware, or the issuer of a token, signed.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Link {
    /// The attestation key of a virtual TPM that the hardware's report vouches for: SHA-256 of its SubjectPublicKeyInfo in DER.
    AttestationKey([u8; 32]),
    /// The same key with what the hardware measured of the trust domain that vouches for it: SHA-256 of MRTD and the
    /// SubjectPublicKeyInfo. A trust domain can put anybody's key into its report data; a paravisor puts its own.
    ParavisorKey([u8; 32]),
    /// REPORT_ID of an SEV-SNP guest: the same from its launch to its end, and no other guest's.
    SnpReportId([u8; 32]),
    /// SHA-256 of a raw quote of Intel's: from its header to the end of its signature data, and of the padded buffer as well
    /// where it was sent in one.
    QuoteSha256([u8; 32]),
    /// A device of NVIDIA's: the serial number of the certificate of its key, decimal, as under `gpu.<n>.ueid`.
    Device(Box<str>),
}

/// An input by role and content.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct InputDigest {
    /// What the input was: `root`, `crl`.
    pub role: &'static str,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// Evidence that was not shown to be authentic.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Its identity, where it parsed far enough to have one.
    pub evidence_id: Option<EvidenceId>,
    /// The checks made, in order; the last one failed.
    pub checks: Vec<Check>,
    /// Why.
    pub reason: Reason,
}

/// Names of checks, each in one place. They appear in results and in `explain`.
pub mod check {
    /// Every name, in the order in which checks are made.
    pub const ALL: &[&str] = &[
        PARSE,
        TOKEN_ALGORITHM,
        TOKEN_ISSUER,
        TOKEN_KEY,
        ROOT,
        PROFILE,
        VALIDITY,
        CHAIN_SIGNATURES,
        REVOCATION,
        PCK,
        ATTESTATION_KEY,
        SIGNATURE,
        COLLATERAL,
        TIMESTAMP,
        TOKEN_TIMES,
        TOKEN_DIGESTS,
        IDENTITY,
        RUNTIME_DATA,
        QUOTE_SIGNATURE,
        PCRS,
        NONCE,
        RECIPIENT,
        BINDING,
        TCB,
        FIRMWARE,
        REFERENCE_VALUES,
    ];
    /// The bytes have the format of their kind.
    pub const PARSE: &str = "evidence.format";
    /// The token is signed with an algorithm that its issuer uses.
    pub const TOKEN_ALGORITHM: &str = "token.algorithm";
    /// The token was issued by whom its kind says, and names no other place of its keys.
    pub const TOKEN_ISSUER: &str = "token.issuer";
    /// The key that signs the token is at hand.
    pub const TOKEN_KEY: &str = "token.key";
    /// The token is in force, give or take what clocks differ by.
    pub const TOKEN_TIMES: &str = "token.times";
    /// The tokens of an answer are the very ones, of the very devices, that its signed whole names.
    pub const TOKEN_DIGESTS: &str = "token.digests";
    /// The chain ends in a root that is pinned or configured.
    pub const ROOT: &str = "chain.root";
    /// Order, profile, and names of every certificate.
    pub const PROFILE: &str = "chain.profile";
    /// Every certificate is inside its validity.
    pub const VALIDITY: &str = "chain.validity";
    /// Every certificate's signature.
    pub const CHAIN_SIGNATURES: &str = "chain.signatures";
    /// No certificate is revoked.
    pub const REVOCATION: &str = "chain.revocation";
    /// Intel certifies a platform's key, and what it certifies of the platform can be read.
    pub const PCK: &str = "chain.pck";
    /// The platform vouches for the quoting enclave, and the quoting enclave for the attestation key.
    pub const ATTESTATION_KEY: &str = "evidence.attestation_key";
    /// The signature over the evidence itself.
    pub const SIGNATURE: &str = "evidence.signature";
    /// Intel's collateral is there, is signed, is in force and is for this platform.
    pub const COLLATERAL: &str = "collateral.authentic";
    /// The evidence's own time stamp.
    pub const TIMESTAMP: &str = "evidence.timestamp";
    /// Identities inside the evidence agree with the certified ones.
    pub const IDENTITY: &str = "evidence.identity";
    /// The hardware's report vouches for the paravisor's runtime data, and so for the attestation key in them.
    pub const RUNTIME_DATA: &str = "evidence.runtime_data";
    /// The attestation key's signature over the TPM quote.
    pub const QUOTE_SIGNATURE: &str = "evidence.quote_signature";
    /// The register values are the ones that the TPM quote selects and signs.
    pub const PCRS: &str = "evidence.pcrs";
    /// The caller's nonce stands in the evidence.
    pub const NONCE: &str = "evidence.nonce";
    /// The caller's recipient key stands in the evidence; listed only where one was expected.
    pub const RECIPIENT: &str = "evidence.recipient";
    /// The caller's binding stands in the evidence.
    pub const BINDING: &str = "evidence.binding";
    /// The platform's versions match a TCB level that is not revoked.
    pub const TCB: &str = "evidence.tcb";
    /// Google's endorsement of the firmware that was measured; listed only where one lists the measurement.
    pub const FIRMWARE: &str = "endorsement.firmware";
    /// The measurements are the vendor's reference values, where there are any for them.
    pub const REFERENCE_VALUES: &str = "evidence.reference_values";
}
