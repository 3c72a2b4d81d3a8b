//! What vouches for evidence and has to be had from its vendor, named: so that whoever does the fetching knows what to
//! fetch, and whether what came is it.
//!
//! In: evidence, read and not believed, with the endorsements that are at hand ([`wanted`]); or what a vendor answered
//! ([`admit`]). Out: names ([`Wanted`]); or until when an answer may be kept ([`Admitted`]). Nothing here fetches, and no
//! verdict rests on what is decided here: evidence is verified with everything that it needs, each time.
//! AMD 57230 (KDS), RFC 6960 (OCSP), Intel SGX and TDX Provisioning Certification Service API, version 4.

mod key_sets;
mod name;
mod token_issuer;

use prooftrail_result::{Kind, Reason, ReasonCode, Timestamp};
use prooftrail_trust_roots::RootSet;

pub use self::{
    key_sets::name_issuer,
    name::{InvalidName, MAX_NAME_BYTES},
    token_issuer::TokenIssuer,
};
use crate::{
    azure::{AzureSnpVtpm, AzureTdxVtpm},
    context::{Context, Expected, Revocation, RevocationMode},
    crypto::Crypto,
    endorsements::{EndorsementFile, Endorsements},
    format::Format,
    intel::{self, IntelCa, Tee},
    nvidia::{self, Device},
    ocsp::{CertId, HashAlgorithm},
    snp::{self, KeyKind, ProductLine, TcbVersion},
    x509::NoIssuers,
};

/// Something that vouches for evidence and that its vendor publishes. Its text is its name: `amd-milan-vcek-crl`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Wanted {
    /// The certificate of a chip's key for a TCB version.
    AmdVcek {
        /// The product line.
        product: ProductLine,
        /// The chip's id, 64 bytes or 8.
        chip_id: Box<[u8]>,
        /// The TCB version.
        tcb: TcbVersion,
    },
    /// The certificates of the ASK, or ASVK, and the ARK.
    AmdCaChain {
        /// The product line.
        product: ProductLine,
        /// Which keys the CA certifies.
        key: KeyKind,
    },
    /// The ARK's list of revoked CAs.
    AmdCrl {
        /// The product line.
        product: ProductLine,
        /// Which keys the CAs certify.
        key: KeyKind,
    },
    /// What the versions of a platform family are worth.
    IntelTcbInfo {
        /// The TEE.
        tee: Tee,
        /// The platform family.
        fmspc: [u8; 6],
    },
    /// What a TEE's quoting enclave looks like.
    IntelQeIdentity {
        /// The TEE.
        tee: Tee,
    },
    /// The list of revoked platforms.
    IntelPckCrl {
        /// The CA that certifies them.
        ca: IntelCa,
    },
    /// The list of revoked CAs and signers.
    IntelRootCrl,
    /// Reference values of a driver, a VBIOS or a switch's BIOS, by the id that NVIDIA's service has for them.
    NvidiaRim {
        /// The id.
        id: Box<str>,
    },
    /// What NVIDIA's responder says of a certificate.
    NvidiaStatus {
        /// SHA-384 of the issuer's name in DER.
        issuer_name: Box<[u8; 48]>,
        /// SHA-384 of the bits of the issuer's key.
        issuer_key: Box<[u8; 48]>,
        /// The certificate's serial number, the content of its INTEGER.
        serial: Box<[u8]>,
    },
    /// The keys of an issuer of tokens.
    KeySet {
        /// The issuer.
        issuer: TokenIssuer,
    },
}

/// Who publishes something.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Publisher {
    /// AMD: its key distribution service.
    Amd,
    /// Google: its verifier for Confidential Space.
    Google,
    /// Intel: its provisioning certification service, and Intel Trust Authority.
    Intel,
    /// Microsoft: the providers of Azure Attestation.
    Microsoft,
    /// NVIDIA: its RIM service, its responder, and its Remote Attestation Service.
    Nvidia,
}

impl Publisher {
    /// The stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amd => "amd",
            Self::Google => "google",
            Self::Intel => "intel",
            Self::Microsoft => "microsoft",
            Self::Nvidia => "nvidia",
        }
    }
}

impl Wanted {
    /// Who publishes it.
    #[must_use]
    pub const fn publisher(&self) -> Publisher {
        match self {
            Self::AmdVcek { .. } | Self::AmdCaChain { .. } | Self::AmdCrl { .. } => Publisher::Amd,
            Self::IntelTcbInfo { .. }
            | Self::IntelQeIdentity { .. }
            | Self::IntelPckCrl { .. }
            | Self::IntelRootCrl => Publisher::Intel,
            Self::NvidiaRim { .. } | Self::NvidiaStatus { .. } => Publisher::Nvidia,
            Self::KeySet { issuer } => issuer.publisher(),
        }
    }

    /// Whether the vendor publishes it anew from time to time, so that a younger one says more than an older one.
    #[must_use]
    pub const fn is_renewed(&self) -> bool {
        !matches!(self, Self::AmdVcek { .. } | Self::AmdCaChain { .. })
    }

    /// Whether its vendor dates it, so that an answer can be told to be older than another.
    #[must_use]
    pub const fn is_dated(&self) -> bool {
        self.is_renewed() && !matches!(self, Self::NvidiaRim { .. } | Self::KeySet { .. })
    }

    /// Whether it tells what was revoked.
    #[must_use]
    pub const fn is_revocation(&self) -> bool {
        matches!(self, Self::AmdCrl { .. } | Self::IntelPckCrl { .. } | Self::IntelRootCrl | Self::NvidiaStatus { .. })
    }

    /// How its vendor's revocation is treated, of a policy's modes; required of vendors of which policies do not speak.
    #[must_use]
    pub const fn mode(&self, revocation: &Revocation) -> RevocationMode {
        match self.publisher() {
            Publisher::Amd => revocation.amd,
            Publisher::Intel => revocation.intel,
            Publisher::Nvidia => revocation.nvidia,
            Publisher::Google | Publisher::Microsoft => RevocationMode::Required,
        }
    }

    /// The identifier of the certificate whose status is wanted.
    pub(crate) fn ocsp_id(&self) -> Option<CertId> {
        let Self::NvidiaStatus { issuer_name, issuer_key, serial } = self else { return None };
        let (issuer_name, issuer_key) = (issuer_name.to_vec(), issuer_key.to_vec());
        Some(CertId { algorithm: HashAlgorithm::Sha384, issuer_name, issuer_key, serial: serial.to_vec() })
    }
}

/// What evidence needs from its vendor: everything that it does not bring itself, whether or not it is among the
/// endorsements already. Evidence of a kind for which no vendor publishes anything needs nothing.
///
/// `product` is the product line of AMD reports that do not name their CPU (version 2), where no certificate names it.
///
/// # Errors
/// The reason of the stages `parse` and `chain` why the evidence does not say.
pub fn wanted(
    kind: Kind,
    evidence: &[u8],
    endorsements: &Endorsements,
    product: Option<ProductLine>,
    crypto: &dyn Crypto,
) -> Result<Vec<Wanted>, Reason> {
    match kind {
        Kind::AmdSevSnp => snp::wanted::by(evidence, None, endorsements, product, crypto),
        Kind::IntelTdx => intel::wanted::by(evidence, Tee::Tdx),
        Kind::IntelSgx => intel::wanted::by(evidence, Tee::Sgx),
        Kind::AzureSnpVtpm => {
            let azure = AzureSnpVtpm::parse(evidence)?;
            snp::wanted::by(azure.hardware(), azure.vcek(), endorsements, product, crypto)
        }
        Kind::AzureTdxVtpm => intel::wanted::by(AzureTdxVtpm::parse(evidence)?.hardware(), Tee::Tdx),
        Kind::NvidiaGpu => nvidia::wanted::by(evidence, Device::Gpu, endorsements, crypto),
        Kind::NvidiaSwitch => nvidia::wanted::by(evidence, Device::Switch, endorsements, crypto),
        _ => key_sets::by(kind, evidence),
    }
}

/// The statuses that evidence and its endorsements need of a responder, each with the certificates that show who answers for
/// it, in DER, the issuer first: what [`admit`] needs beside the answer. Certificates of RIMs' signers are among them as soon
/// as the RIMs are.
#[must_use]
pub fn statuses(endorsements: &Endorsements, crypto: &dyn Crypto) -> Vec<(Wanted, Vec<Vec<u8>>)> {
    nvidia::wanted::statuses_of_rims(endorsements, crypto)
}

/// The statuses that devices' certificates need, as [`statuses`] gives those of RIMs' signers; none for other kinds. The
/// certificates stand in the evidence or among the endorsements.
#[must_use]
pub fn device_statuses(
    kind: Kind,
    evidence: &[u8],
    endorsements: &Endorsements,
    crypto: &dyn Crypto,
) -> Vec<(Wanted, Vec<Vec<u8>>)> {
    match kind {
        Kind::NvidiaGpu | Kind::NvidiaSwitch => nvidia::wanted::statuses_of_devices(evidence, endorsements, crypto),
        _ => Vec::new(),
    }
}

impl Endorsements {
    /// Whether what is wanted is among these and in force at the instant, by names and dates; no signature is verified.
    #[must_use]
    pub fn hold(&self, wanted: &Wanted, at: Timestamp) -> bool {
        self.is_held(wanted, Some(at))
    }

    /// Whether what is wanted is among these, whatever its dates.
    #[must_use]
    pub fn hold_ever(&self, wanted: &Wanted) -> bool {
        self.is_held(wanted, None)
    }

    fn is_held(&self, wanted: &Wanted, at: Option<Timestamp>) -> bool {
        match wanted {
            Wanted::KeySet { issuer } => key_sets::is_held(self, issuer),
            Wanted::AmdVcek { .. } | Wanted::AmdCaChain { .. } | Wanted::AmdCrl { .. } => {
                snp::wanted::is_held(self, wanted, at)
            }
            Wanted::IntelTcbInfo { .. }
            | Wanted::IntelQeIdentity { .. }
            | Wanted::IntelPckCrl { .. }
            | Wanted::IntelRootCrl => intel::wanted::is_held(self, wanted, at),
            Wanted::NvidiaRim { .. } | Wanted::NvidiaStatus { .. } => nvidia::wanted::is_held(self, wanted, at),
        }
    }

    /// The same, or the certificate of whoever signs such things.
    #[must_use]
    pub fn serve(&self, wanted: &Wanted) -> bool {
        let is_signed_by_intel = wanted.publisher() == Publisher::Intel && !matches!(wanted, Wanted::KeySet { .. });
        self.hold_ever(wanted) || (is_signed_by_intel && intel::wanted::has_issuers(self))
    }

    /// Whether any of these is something that can be [`Wanted`], or the certificate of whoever signs such things: of use for
    /// one vendor's evidence, and for no other.
    #[must_use]
    pub fn are_published(&self) -> bool {
        snp::wanted::is_published(self)
            || intel::wanted::is_published(self)
            || nvidia::wanted::is_published(self)
            || key_sets::is_published(self)
    }
}

/// What an answer was found to be worth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Admitted {
    /// Of the same thing, what is greater is younger: the round of evaluation, where there is one, and the date of issue.
    pub age: (u64, Timestamp),
    /// The last instant at which it may be used.
    pub until: Timestamp,
}

/// Finds out whether `files`, which a vendor answered, are what is wanted: it is what it is called, is signed under one of
/// the roots, and is in force at the instant. `issuers` are certificates beside it that may be needed to see that: a VCEK's
/// CA, the CA that issued a list.
///
/// # Errors
/// The reason why it is not to be kept.
pub fn admit(
    wanted: &Wanted,
    files: &[EndorsementFile],
    issuers: &[EndorsementFile],
    roots: &RootSet,
    crypto: &dyn Crypto,
    at: Timestamp,
) -> Result<Admitted, Reason> {
    let endorsements = Endorsements::of(crypto, files)?;
    let beside = Endorsements::of(crypto, issuers)?;
    let off = RevocationMode::Off;
    let context = Context {
        crypto,
        roots,
        endorsements: &endorsements,
        issuers: &NoIssuers,
        revocation: Revocation { amazon: off, amd: off, intel: off, nvidia: off },
        at,
        expected: Expected::default(),
    };
    match wanted {
        Wanted::KeySet { issuer } => key_sets::admit(issuer, &context),
        Wanted::AmdVcek { .. } | Wanted::AmdCaChain { .. } | Wanted::AmdCrl { .. } => {
            snp::wanted::admit(wanted, files, &beside, &context)
        }
        Wanted::IntelTcbInfo { .. }
        | Wanted::IntelQeIdentity { .. }
        | Wanted::IntelPckCrl { .. }
        | Wanted::IntelRootCrl => intel::wanted::admit(wanted, files, &beside, &context),
        Wanted::NvidiaRim { .. } | Wanted::NvidiaStatus { .. } => nvidia::wanted::admit(wanted, &beside, &context),
    }
}

/// The one element of something that is to have one.
pub(crate) fn only<T>(mut all: impl Iterator<Item = T>, what: &'static str) -> Result<T, Reason> {
    match (all.next(), all.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(Reason::from(ReasonCode::EndorsementUnrecognised).need(what)),
    }
}
