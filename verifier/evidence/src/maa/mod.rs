//! `azure-maa`: tokens of Microsoft Azure Attestation.
//!
//! In: a token, and the key set of its issuer among the endorsements. Out: authentic claims. The order of the checks:
//! algorithm → issuer and the place of its keys → key → signature → times → what the caller expects. Beside them, and without
//! refusing anything, the enclave that holds the key is looked at ([`enclave`]): a policy can demand what it finds.
//! Formats: facts of learn.microsoft.com, "Azure Attestation token"; RFC 7515, RFC 7519.

mod claims;
mod enclave;
mod expected;
mod issuer;

use prooftrail_result::{
    EvidenceId, Kind, Reason, ReasonCode, Timestamp,
    claims::{Claims, Value, cross_vendor, maa},
};

pub(crate) use self::issuer::Issuer;
use self::{claims::Stated, enclave::ServiceEnclave};
use crate::{
    authentic::{Authentic, InputDigest, Link},
    checks::Checks,
    context::{Context, RevocationMode},
    format::Format,
    jose::{self, Algorithm, Authority, Compact, MAX_TOKEN_BYTES, Signer, Token},
    wanted::TokenIssuer,
};

/// The algorithms that providers sign with.
pub(crate) const ALGORITHMS: &[Algorithm] = &[Algorithm::Rs256];

/// What is known of every provider. The certificates in its key set are no chain: one kind is self-signed and says who
/// holds the key, the other leads to a root that nobody publishes for this use.
static ISSUER: jose::Issuer =
    jose::Issuer { kind: Kind::AzureMaa, vendor: "microsoft", algorithms: ALGORITHMS, authority: Authority::KeySet };

/// `azure-maa`.
#[derive(Clone, Copy, Debug)]
pub struct AzureMaa;

/// A token that has the format.
#[derive(Debug)]
pub struct MaaToken<'a> {
    token: Token<'a>,
    stated: Stated,
}

impl MaaToken<'_> {
    /// Whose key set it needs.
    pub(crate) fn token_issuer(&self) -> Option<TokenIssuer> {
        let issuer = Issuer::read(&self.token.issuer).ok()?;
        Some(TokenIssuer::AzureMaa { provider: issuer.provider().into() })
    }
}

impl Format for AzureMaa {
    const KIND: Kind = Kind::AzureMaa;
    const MAX_BYTES: usize = MAX_TOKEN_BYTES;
    type Document<'a> = MaaToken<'a>;

    fn parse(bytes: &[u8]) -> Result<MaaToken<'_>, Reason> {
        Token::parse(bytes, claims::read).map(|(token, stated)| MaaToken { token, stated })
    }

    fn signed_sha384(document: &MaaToken<'_>, context: &Context<'_>) -> [u8; 48] {
        document.token.signed_sha384(context)
    }

    fn claimed_time(document: &MaaToken<'_>) -> Option<Timestamp> {
        Some(document.token.claimed_time())
    }

    fn authenticate(
        MaaToken { token, stated }: MaaToken<'_>,
        evidence_id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason> {
        // No authority of Microsoft's publishes revocation of these keys.
        let (issuer, signer) = token.signer(&ISSUER, check_issuer, RevocationMode::Off, context, checks)?;
        token.verify(&signer, context, checks)?;
        let bound = expected::find(&stated, context, checks)?;

        let links = links(&stated, context);
        let mut authentic = token.authentic(evidence_id, stated.claims, &signer);
        authentic.claims.insert(maa::ISSUER, issuer.as_ref());
        let guest_key = stated.guest_key.as_ref().map(|text| context.crypto.sha256(&[text.as_bytes()]));
        authentic.claims.insert_if(maa::RUNTIME_KEY_SHA256, guest_key.as_ref().map(<[u8; 32]>::as_slice));
        bound.claim(&mut authentic.claims);
        authentic.objections = objections(&authentic.claims);
        authentic.links = links;
        look_at_the_service(&mut authentic, &token.compact, &signer, context);
        Ok(authentic)
    }
}

/// The provider that issued it, if it names no other place of its keys.
fn check_issuer(token: &Token<'_>) -> Result<Issuer, Reason> {
    let issuer = Issuer::read(&token.issuer)?;
    token.compact.header.check_jku(&[&issuer.key_source()]).map(|()| issuer)
}

/// Claims what is known of the enclave that holds the key.
fn look_at_the_service(authentic: &mut Authentic, token: &Compact<'_>, signer: &Signer, context: &Context<'_>) {
    let Some(enclave) = ServiceEnclave::of(token, signer, context) else { return };
    let claims = &mut authentic.claims;
    claims.insert(maa::ENCLAVE_KEY_BOUND, enclave.key_bound);
    let Some(vouched) = enclave.vouched else { return };
    claims.insert(maa::ENCLAVE_MRENCLAVE, vouched.mrenclave.as_slice());
    claims.insert(maa::ENCLAVE_MRSIGNER, vouched.mrsigner.as_slice());
    claims.insert(maa::ENCLAVE_ISVSVN, u64::from(vouched.isvsvn));
    claims.insert(maa::ENCLAVE_DEBUG, vouched.debug);
    // From here on, the claims rest on Intel's root too.
    let mut roots = [signer.root_sha256, vouched.root_sha256];
    roots.sort_unstable();
    claims.insert(cross_vendor::ROOT_SHA256, roots.map(|root| Value::from(root.as_slice())).to_vec());
    claims.insert(cross_vendor::SIMULATED, signer.simulated || vouched.simulated);
    authentic.valid_until = authentic.valid_until.min(vouched.valid_until);
    let new: Vec<InputDigest> = vouched.inputs.into_iter().filter(|input| !authentic.inputs.contains(input)).collect();
    authentic.inputs.extend(new);
}

/// What no policy can allow. Azure Attestation refuses by itself what its own policy does not permit, and gives no token.
fn objections(claims: &Claims) -> Vec<Reason> {
    let is_revoked = claims.get(cross_vendor::TCB_STATUS) == Some(&"Revoked".into());
    is_revoked.then(|| Reason::from(ReasonCode::TcbRevoked).have("Revoked")).into_iter().collect()
}

fn links(stated: &Stated, context: &Context<'_>) -> Vec<Link> {
    let key = stated.attestation_key.as_ref();
    let links = key.map(|key| key.links(&stated.claims, maa::TDX_MRTD, context.crypto)).unwrap_or_default();
    links.into_iter().chain(stated.links.iter().cloned()).collect()
}
