//! Google's signed endorsements of the firmware that Compute Engine launches confidential machines with
//! (`VMLaunchEndorsement`; google/gce-tcb-verifier, proto/endorsement.proto and verify/verify.go).
//!
//! In: endorsements, and evidence that is authentic. Out: which build of Google's firmware was measured
//! (`snp.gce.`, `tdx.gce.`). An endorsement says which measurements a build has, one for each number of virtual CPUs or
//! each size of memory; one that does not list the evidence's is of another build, and says nothing about it. One that does
//! is verified down to a root that the operator configures for this purpose and no other; where none is, it is left unused.

mod golden;
mod protobuf;

use std::sync::Arc;

use der::Decode;
use prooftrail_result::{
    Outcome, Reason, ReasonCode, Stage, Timestamp, TrustAnchor,
    claims::{Claims, Value, cross_vendor, snp, tdx},
};
use prooftrail_trust_roots::Root;
use x509_cert::{ext::pkix::KeyUsages, spki::SubjectPublicKeyInfoRef};

use self::{
    golden::{Golden, Launched},
    protobuf::{Malformed, Message, once},
};
use crate::{
    authentic::{Authentic, InputDigest, check},
    checks::Checks,
    context::{Context, RevocationMode},
    crypto::{Crypto, SignatureAlgorithm},
    x509::{self, Chain, KeyType, Outline, Profile, SignatureId, VerifiedCertificate},
};

/// An endorsement beyond this is refused unread; those with hundreds of measurements have some tens of kilobytes.
const MAX_BYTES: usize = 256 * 1024;

/// Google's signer below its root: RSA-4096 throughout, PSS with SHA-256 (gce-tcb-verifier, sign/ops/certificates.go). No
/// revocation is published for it.
static PROFILE: Profile = Profile {
    name: "gce-firmware",
    algorithms: &[SignatureAlgorithm::RsaPssSha256],
    ca_key: KeyType::Rsa4096,
    leaf_key: KeyType::Rsa4096,
    leaf_usage: Some(KeyUsages::DigitalSignature),
    extended_key_usage: None,
    leaf_leeway_seconds: 0,
};

/// An endorsement that can be read. Nothing in it is to be believed yet.
#[derive(Debug)]
pub(crate) struct FirmwareEndorsement {
    /// SHA-256 of the file.
    sha256: [u8; 32],
    /// The signed bytes.
    signed: Vec<u8>,
    signature: Vec<u8>,
    golden: Golden,
}

/// What the hardware measured of a machine when it was launched.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Measured<'a> {
    /// MEASUREMENT of a report of SEV-SNP.
    Snp(&'a [u8; 48]),
    /// MRTD of a trust domain.
    Tdx(&'a [u8; 48]),
}

/// Whether a file begins as an endorsement does: the signed bytes as field 1, then the signature as field 2. Where a text began
/// with that line feed, no such byte would follow.
pub(crate) fn is_one(file: &[u8]) -> bool {
    let mut rest = Message::new(file);
    file.first() == Some(&0x0A)
        && rest.field().is_ok_and(|(number, _)| number == 1)
        && matches!(rest.field(), Ok((2, protobuf::Field::Bytes(_))))
}

impl FirmwareEndorsement {
    /// Reads a file for which [`is_one`] holds.
    pub(crate) fn read(crypto: &dyn Crypto, file: &[u8]) -> Result<Self, Reason> {
        if file.len() > MAX_BYTES {
            return Err(Reason::from(ReasonCode::EndorsementTooLarge)
                .have(format_args!("{} bytes", file.len()))
                .need(format_args!("at most {MAX_BYTES} bytes for an endorsement of firmware")));
        }
        let malformed =
            |detail: Malformed| Reason::new(ReasonCode::GceMalformed, format!("Google's endorsement: {detail}"));
        let (mut signed, mut signature) = (None, None);
        let read = Message::new(file).read(|number, field| match number {
            1 => once(&mut signed, field.bytes()?),
            2 => once(&mut signature, field.bytes()?),
            _ => Ok(()),
        });
        read.map_err(malformed)?;
        let signed = signed.ok_or("nothing is signed").map_err(malformed)?;
        let signature = signature.ok_or("it has no signature").map_err(malformed)?;
        Ok(Self {
            sha256: crypto.sha256(&[file]),
            signed: signed.to_vec(),
            signature: signature.to_vec(),
            golden: Golden::read(signed).map_err(malformed)?,
        })
    }

    /// SHA-256 of the file.
    pub(crate) const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The build's launch on that TEE, where it measures so.
    fn listing(&self, measured: Measured<'_>) -> Option<&Launched> {
        let (launched, measurement) = match measured {
            Measured::Snp(measurement) => (self.golden.snp.as_ref()?, measurement),
            Measured::Tdx(mrtd) => (self.golden.tdx.as_ref()?, mrtd),
        };
        launched.measurements.contains(measurement).then_some(launched)
    }

    /// Verifies it at the context's instant, below one of these roots.
    fn verify<'r>(
        &self,
        mut roots: impl Iterator<Item = &'r Root>,
        context: &Context<'_>,
    ) -> Result<(&'r Root, Arc<VerifiedCertificate>), Reason> {
        let certificate = self.golden.certificate.as_slice();
        let outline = Outline::of(certificate).ok_or_else(|| of_certificate("it is no certificate"))?;
        let issuer = outline.issuer(certificate);
        let root = roots
            .find(|root| Outline::of(&root.der).is_some_and(|outline| outline.subject(&root.der) == issuer))
            .ok_or_else(|| of_certificate(ReasonCode::ChainRootNotPinned.meaning()))?;
        let chain = Chain { root, intermediates: &[], leaf: certificate };
        let signer = x509::verify(chain, &PROFILE, RevocationMode::Off, context, &mut Checks::default()).map_err(
            |mut reason| {
                reason.code =
                    if reason.stage() == Stage::Time { ReasonCode::GceTime } else { ReasonCode::GceCertificate };
                reason.detail = format!("the endorsement's certificate: {}", reason.detail).into();
                reason
            },
        )?;
        self.verify_signature(&signer, context)?;
        if self.golden.timestamp > context.at {
            return Err(Reason::new(ReasonCode::GceTime, "the endorsement was signed after the given instant")
                .have(self.golden.timestamp)
                .need(format_args!("{} or earlier", context.at)));
        }
        Ok((root, signer))
    }

    /// The same endorsement stands beside the evidence of many machines: its signature is verified once.
    fn verify_signature(&self, signer: &VerifiedCertificate, context: &Context<'_>) -> Result<(), Reason> {
        let key = SubjectPublicKeyInfoRef::from_der(&signer.certificate.public_key_der)
            .ok()
            .and_then(|info| info.subject_public_key.as_bytes().map(<[u8]>::to_vec))
            .ok_or_else(|| of_certificate("its key cannot be read"))?;
        let digest = context.crypto.sha256(&[&self.signed]);
        let id = context.crypto.sha256(&[b"prooftrail/rsa-pss-sha256/v1", &key, &digest, &self.signature]);
        if !context.issuers.knows_signature(&SignatureId(id)) {
            let verified = context.crypto.rsa_key(&key).verify_pss_sha256(&self.signed, &self.signature);
            verified.map_err(|_| Reason::from(ReasonCode::GceSignature))?;
            context.issuers.insert_signature(SignatureId(id));
        }
        Ok(())
    }
}

fn of_certificate(detail: &str) -> Reason {
    Reason::new(ReasonCode::GceCertificate, format!("the endorsement's certificate: {detail}"))
}

/// An endorsement that is verified, and lists the evidence's measurement.
struct Vouching<'a> {
    endorsement: &'a FirmwareEndorsement,
    launched: &'a Launched,
    root: &'a Root,
    signer: Arc<VerifiedCertificate>,
}

/// Adds to authentic evidence what Google says of the firmware that was measured, where an endorsement among those supplied
/// lists the measurement and a root is configured for such endorsements.
pub(crate) fn endorse(
    authentic: &mut Authentic,
    measured: Measured<'_>,
    context: &Context<'_>,
    checks: &mut Checks,
) -> Result<(), Reason> {
    let listing: Vec<_> = context
        .endorsements
        .firmware()
        .filter_map(|endorsement| Some((endorsement, endorsement.listing(measured)?)))
        .collect();
    if listing.is_empty() {
        return Ok(());
    }
    let kind = authentic.evidence_id.kind;
    let roots = || context.roots.of_gce_firmware(kind);
    if roots().next().is_none() {
        // Hosts hand such endorsements to every guest; nobody said here whom to believe.
        checks.push(check::FIRMWARE, Outcome::NotPerformed);
        return Ok(());
    }
    let vouching = checks.run(check::FIRMWARE, || youngest(&listing, roots, context))?;
    vouching.claim(&mut authentic.claims, measured);
    vouching.add_to(authentic);
    Ok(())
}

/// Of several, the youngest that is in force: Google signs a build anew before its signer's certificate ends. What nobody
/// signed is refused whatever stands beside it.
fn youngest<'a, R: Iterator<Item = &'a Root>>(
    listing: &[(&'a FirmwareEndorsement, &'a Launched)],
    roots: impl Fn() -> R,
    context: &Context<'_>,
) -> Result<Vouching<'a>, Reason> {
    let (mut found, mut outside_its_time): (Option<Vouching<'a>>, _) = (None, None);
    for &(endorsement, launched) in listing {
        match endorsement.verify(roots(), context) {
            Ok((root, signer)) => {
                let signed_at = endorsement.golden.timestamp;
                if found.as_ref().is_none_or(|other| other.endorsement.golden.timestamp < signed_at) {
                    found = Some(Vouching { endorsement, launched, root, signer });
                }
            }
            Err(reason) if reason.stage() == Stage::Time => outside_its_time = Some(reason),
            Err(reason) => return Err(reason),
        }
    }
    found.ok_or_else(|| outside_its_time.unwrap_or_else(|| ReasonCode::GceTime.into()))
}

impl Vouching<'_> {
    fn claim(&self, claims: &mut Claims, measured: Measured<'_>) {
        let (digest, svn, timestamp) = match measured {
            Measured::Snp(_) => (snp::GCE_UEFI_DIGEST, snp::GCE_SVN, snp::GCE_TIMESTAMP),
            Measured::Tdx(_) => (tdx::GCE_UEFI_DIGEST, tdx::GCE_SVN, tdx::GCE_TIMESTAMP),
        };
        let golden = &self.endorsement.golden;
        claims.insert(digest, golden.uefi_digest.as_slice());
        claims.insert(svn, u64::from(self.launched.svn));
        claims.insert(timestamp, golden.timestamp);
    }

    /// The verdict rests on Google's root too from now on.
    fn add_to(&self, authentic: &mut Authentic) {
        let Self { endorsement, root, signer, .. } = self;
        let mut roots = match authentic.claims.get(cross_vendor::ROOT_SHA256) {
            Some(Value::List(roots)) => roots.clone(),
            _ => Vec::new(),
        };
        roots.push(Value::from(root.sha256.as_slice()));
        roots.sort_by_key(ToString::to_string);
        roots.dedup();
        authentic.claims.insert(cross_vendor::ROOT_SHA256, roots);
        if root.simulated {
            authentic.claims.insert(cross_vendor::SIMULATED, true);
        }
        if root.trust_anchor == TrustAnchor::Configured {
            authentic.trust_anchor = TrustAnchor::Configured;
            authentic.claims.insert(cross_vendor::TRUST_ANCHOR, TrustAnchor::Configured.as_str());
        }
        authentic.valid_until = Timestamp::min(authentic.valid_until, signer.valid_until());
        authentic.inputs.extend([
            InputDigest { role: "root", sha256: root.sha256 },
            InputDigest { role: "firmware_endorsement", sha256: endorsement.sha256 },
        ]);
    }
}
