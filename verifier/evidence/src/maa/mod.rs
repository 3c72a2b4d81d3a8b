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
    authentic::{Authentic, InputDigest, Link, check},
    checks::Checks,
    context::{Context, RevocationMode},
    format::Format,
    jose::{self, Algorithm, Authority, Compact, MAX_TOKEN_BYTES, Signer, Window},
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
    token: Compact<'a>,
    issuer: String,
    window: Window,
    stated: Stated,
}

impl MaaToken<'_> {
    /// Whose key set it needs.
    pub(crate) fn token_issuer(&self) -> Option<TokenIssuer> {
        let issuer = Issuer::read(&self.issuer).ok()?;
        Some(TokenIssuer::AzureMaa { provider: issuer.provider().into() })
    }
}

impl Format for AzureMaa {
    const KIND: Kind = Kind::AzureMaa;
    const MAX_BYTES: usize = MAX_TOKEN_BYTES;
    type Document<'a> = MaaToken<'a>;

    fn parse(bytes: &[u8]) -> Result<MaaToken<'_>, Reason> {
        let token = Compact::parse(bytes)?;
        let payload = token.object()?;
        let text = |name: &str| {
            let missing = || Reason::new(ReasonCode::TokenMalformed, format!("the token has no text `{name}`"));
            payload.text(name).ok_or_else(missing)
        };
        // No other issuer's tokens have the second one.
        let (issuer, _) = (text("iss")?.to_owned(), text("x-ms-attestation-type")?);
        let (window, stated) = (Window::of(&payload)?, claims::read(&payload)?);
        Ok(MaaToken { issuer, window, stated, token })
    }

    fn signed_sha384(document: &MaaToken<'_>, context: &Context<'_>) -> [u8; 48] {
        context.crypto.sha384(&[document.token.signed])
    }

    fn claimed_time(document: &MaaToken<'_>) -> Option<Timestamp> {
        Some(document.window.issued_at)
    }

    fn authenticate(
        document: &MaaToken<'_>,
        id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason> {
        authenticate(document, id, context, checks)
    }
}

/// The checks, in order.
fn authenticate(
    document: &MaaToken<'_>,
    evidence_id: EvidenceId,
    context: &Context<'_>,
    checks: &mut Checks,
) -> Result<Authentic, Reason> {
    let MaaToken { token, stated, window, .. } = document;
    let algorithm = checks.run(check::TOKEN_ALGORITHM, || token.algorithm(ISSUER.algorithms))?;
    let issuer = checks.run(check::TOKEN_ISSUER, || {
        let issuer = Issuer::read(&document.issuer)?;
        token.header.check_jku(&[&issuer.key_source()])?;
        Ok(issuer)
    })?;
    // No authority of Microsoft's publishes revocation of these keys.
    let signer = ISSUER.signer(token, issuer.as_str(), algorithm, RevocationMode::Off, context, checks)?;
    checks.run(check::SIGNATURE, || signer.verify(token, algorithm, context))?;
    checks.run(check::TOKEN_TIMES, || window.check(context.at))?;
    let bound = expected::find(stated, context, checks)?;

    let mut claims = stated.claims.clone();
    signer.claim(&mut claims);
    claims.insert(cross_vendor::ISSUED_AT, window.issued_at);
    claims.insert(maa::ISSUER, issuer.as_str());
    let guest_key = stated.guest_key.as_ref().map(|text| context.crypto.sha256(&[text.as_bytes()]));
    claims.insert_if(maa::RUNTIME_KEY_SHA256, guest_key.as_ref().map(<[u8; 32]>::as_slice));
    bound.claim(&mut claims);
    let mut authentic = Authentic {
        evidence_id,
        objections: objections(&claims),
        claims,
        checks: Vec::new(),
        valid_until: window.last().min(signer.valid_until()),
        trust_anchor: signer.trust_anchor,
        debug_applies: true,
        links: links(stated, context),
        issuer_keys: signer.issuer_key.into_iter().collect(),
        inputs: signer.inputs(),
    };
    look_at_the_service(&mut authentic, token, &signer, context);
    Ok(authentic)
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
    let mut roots = vec![Value::from(signer.root_sha256.as_slice()), vouched.root_sha256.as_slice().into()];
    roots.sort_by_key(ToString::to_string);
    claims.insert(cross_vendor::ROOT_SHA256, roots);
    claims.insert(cross_vendor::SIMULATED, signer.simulated || vouched.simulated);
    authentic.valid_until = authentic.valid_until.min(vouched.valid_until);
    let known: Vec<InputDigest> = authentic.inputs.clone();
    authentic.inputs.extend(vouched.inputs.into_iter().filter(|input| !known.contains(input)));
}

/// What no policy can allow. Azure Attestation refuses by itself what its own policy does not permit, and gives no token.
fn objections(claims: &Claims) -> Vec<Reason> {
    let is_revoked = claims.get(cross_vendor::TCB_STATUS) == Some(&"Revoked".into());
    is_revoked.then(|| Reason::from(ReasonCode::TcbRevoked).have("Revoked")).into_iter().collect()
}

fn links(stated: &Stated, context: &Context<'_>) -> Vec<Link> {
    let key = stated.attestation_key.iter().map(|key| Link::AttestationKey(context.crypto.sha256(&[&key.spki])));
    key.chain(stated.links.iter().cloned()).collect()
}
