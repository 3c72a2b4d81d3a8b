//! The terms of a release, *S*: what was released, to whom, under which policy, on which evidence, until when. They are the
//! additional data of the sealed key and are signed with it.

use prooftrail_result::{EvidenceId, Kind, Timestamp};

use crate::{
    cbor::{Reader, Writer},
    limits,
    malformed::{Fault, Malformed},
    names::{KeyRef, Origin, Purpose, ReleaseId},
};

const DOMAIN: &str = "prooftrail/terms/v1";
const WHAT: &str = "terms";

/// `["prooftrail/terms/v1", origin, release id, SHA-384(context), key, version, purpose, policy digest, [[kind, SHA-384 of the
/// signed bytes], …], SHA-384(witness header), expiry in milliseconds]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReleaseTerms {
    /// The origin of the log in which the release stands.
    pub origin: Origin,
    /// The release.
    pub release_id: ReleaseId,
    /// SHA-384 of the context.
    pub context_sha384: [u8; 48],
    /// The witness key.
    pub key: KeyRef,
    /// What for.
    pub purpose: Purpose,
    /// The digest of the policy that was satisfied.
    pub policy_digest: [u8; 48],
    /// The evidence that satisfied it, in the order of the request.
    pub evidence: Vec<EvidenceId>,
    /// SHA-384 of the witness's age header.
    pub header_sha384: [u8; 48],
    /// When the release ends: at that instant nothing is opened any more. Whole milliseconds.
    pub expires: Timestamp,
}

impl ReleaseTerms {
    /// Their deterministic encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self {
            origin,
            release_id,
            context_sha384,
            key: KeyRef { name, version },
            purpose,
            policy_digest,
            evidence,
            header_sha384,
            expires,
        } = self;
        let mut out = Writer::array(11);
        out.text(DOMAIN).text(origin.as_str()).bytes(&release_id.0).bytes(context_sha384);
        out.text(name.as_str()).uint(*version).text(purpose.as_str()).bytes(policy_digest);
        out.nested_array(evidence.len());
        for EvidenceId { kind, signed_sha384 } in evidence {
            out.nested_array(2).text(kind.as_str()).bytes(signed_sha384);
        }
        out.bytes(header_sha384).int(expires.unix_millis());
        out.finish()
    }

    /// Reads terms.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let read = |reader: &mut Reader<'_>| {
            reader.named_array(11, DOMAIN)?;
            let origin = reader.text("origin")?.parse()?;
            let release_id = ReleaseId(reader.exactly("release id")?);
            let context_sha384 = reader.exactly("context")?;
            let name = reader.text("key")?.parse()?;
            let version = reader.uint("version")?;
            if version == 0 {
                return Err(reader.fault(Fault::Field("version")));
            }
            let purpose = reader.text("purpose")?.parse()?;
            let policy_digest = reader.exactly("policy digest")?;
            let pieces = reader.array(limits::EVIDENCE_PIECES, "evidence")?;
            let evidence = (0..pieces).map(|_| evidence_id(reader)).collect::<Result<_, _>>()?;
            let header_sha384 = reader.exactly("witness header")?;
            let expires = Timestamp::from_unix_millis(reader.int("expires")?);
            let expires = expires.ok_or(reader.fault(Fault::Field("expires")))?;
            Ok(Self {
                origin,
                release_id,
                context_sha384,
                key: KeyRef { name, version },
                purpose,
                policy_digest,
                evidence,
                header_sha384,
                expires,
            })
        };
        Reader::strict(WHAT, bytes, limits::TERMS_BYTES, read, Self::encode)
    }
}

/// `[kind, SHA-384 of the signed bytes]`.
fn evidence_id(reader: &mut Reader<'_>) -> Result<EvidenceId, Malformed> {
    reader.array_of(2, "evidence")?;
    let kind = reader.text("evidence")?.parse::<Kind>().map_err(|_| reader.fault(Fault::Field("evidence")))?;
    Ok(EvidenceId { kind, signed_sha384: reader.exactly("evidence")? })
}
