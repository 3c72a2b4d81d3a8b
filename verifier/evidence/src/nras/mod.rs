//! `nvidia-nras`: answers of NVIDIA's Remote Attestation Service.
//!
//! In: an answer, and the service's key set among the endorsements. Out: authentic claims about each device. The order of
//! the checks: algorithm and issuer of every token → key, signature and times of the overall one → its digests of the others
//! and their names → the others' keys, signatures and times → nonces → what the caller expects. Only what the service itself
//! thinks of the devices leaves the answer authentic where it is bad ([`device`]).
//! Formats: docs.nvidia.com, "NVIDIA Remote Attestation Service"; RFC 9711 (EAT); RFC 7515, RFC 7519.

mod bundle;
mod device;

use std::{borrow::Cow, collections::BTreeSet};

use prooftrail_result::{
    EvidenceId, Kind, Outcome, Reason, ReasonCode, Timestamp, TrustAnchor,
    claims::{Claims, Value, cross_vendor, nras},
};
use x509_cert::ext::pkix::KeyUsages;

use self::{
    bundle::{Bundle, DeviceFamily, DeviceName},
    device::Device,
};
use crate::{
    authentic::{Authentic, InputDigest, Link, check},
    checks::Checks,
    context::Context,
    crypto::SignatureAlgorithm,
    format::Format,
    jose::{self, Algorithm, Authority, ChainRule, Signer, Token},
    json::{Node, Object},
    wanted::TokenIssuer,
    x509::{KeyType, Profile},
};

/// An answer beyond this is refused unread; one about eight devices has 17,000 bytes.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// The production service. Its staging twin signs with keys of its own, and under another name.
pub(crate) const ISSUER_URL: &str = "https://nras.attestation.nvidia.com";
/// Where its keys are published.
pub(crate) const KEY_SOURCE: &str = "https://nras.attestation.nvidia.com/.well-known/jwks.json";

/// The algorithms that it signs with.
pub(crate) const ALGORITHMS: &[Algorithm] = &[Algorithm::Es384];

/// The chain of a key: P-384, certified for two days by an authority with an RSA key, which is itself what is pinned. The
/// certificates are said to be for TLS.
static CHAIN: Profile = Profile {
    name: "nvidia-nras",
    algorithms: &[SignatureAlgorithm::RsaPkcs1Sha256, SignatureAlgorithm::EcdsaP384Sha384],
    ca_key: KeyType::Rsa2048To4096,
    leaf_key: KeyType::P384,
    leaf_usage: Some(KeyUsages::DigitalSignature),
    extended_key_usage: Some(&[SERVER_AUTH, CLIENT_AUTH]),
    leaf_leeway_seconds: 0,
};
/// id-kp-serverAuth and id-kp-clientAuth (RFC 5280, section 4.2.1.12), the contents of their identifiers.
const SERVER_AUTH: &[u8] = &[0x2B, 6, 1, 5, 5, 7, 3, 1];
const CLIENT_AUTH: &[u8] = &[0x2B, 6, 1, 5, 5, 7, 3, 2];

/// What is known of the service.
static ISSUER: jose::Issuer = jose::Issuer {
    kind: Kind::NvidiaNras,
    vendor: "nvidia",
    algorithms: ALGORITHMS,
    authority: Authority::ChainOrKeySet(ChainRule { profile: &CHAIN, length: 2..=2 }),
};

/// `nvidia-nras`.
#[derive(Clone, Copy, Debug)]
pub struct NvidiaNras;

/// An answer that has the format.
#[derive(Debug)]
pub struct NrasAnswer<'a> {
    overall: Token<'a>,
    stated: Stated,
    devices: Vec<DeviceToken<'a>>,
}

/// What the overall token says.
#[derive(Debug)]
struct Stated {
    result: Option<bool>,
    version: Option<String>,
    jti: Option<String>,
    nonce: Option<Vec<u8>>,
    /// The digests of the others.
    digests: Vec<(DeviceName, [u8; 32])>,
}

impl Stated {
    fn read(payload: &Object<'_>) -> Result<Self, Reason> {
        let text = |name: &str| payload.text(name).map(str::to_owned);
        Ok(Self {
            result: payload.bool("x-nvidia-overall-att-result"),
            version: text("x-nvidia-ver"),
            jti: text("jti"),
            nonce: nonce(payload)?,
            digests: digests(payload)?,
        })
    }
}

/// A token about a device.
#[derive(Debug)]
struct DeviceToken<'a> {
    name: DeviceName,
    token: Token<'a>,
    device: Device,
}

impl NrasAnswer<'_> {
    /// Whose key set it needs.
    pub(crate) fn token_issuer(&self) -> Option<TokenIssuer> {
        (self.overall.issuer == ISSUER_URL).then_some(TokenIssuer::NvidiaNras)
    }
}

impl Format for NvidiaNras {
    const KIND: Kind = Kind::NvidiaNras;
    const MAX_BYTES: usize = MAX_ANSWER_BYTES;
    type Document<'a> = NrasAnswer<'a>;

    fn parse(bytes: &[u8]) -> Result<NrasAnswer<'_>, Reason> {
        let Bundle { overall, devices } = Bundle::parse(bytes)?;
        let devices = devices.into_iter().map(|(name, compact)| {
            let (token, device) = Token::read(compact, |payload| Device::read(name, payload))?;
            Ok(DeviceToken { name, token, device })
        });
        let devices = devices.collect::<Result<Vec<_>, Reason>>()?;
        let (overall, stated) = Token::read(overall, Stated::read)?;
        Ok(NrasAnswer { overall, stated, devices })
    }

    fn signed_sha384(document: &NrasAnswer<'_>, context: &Context<'_>) -> [u8; 48] {
        // It covers the others by their digests.
        document.overall.signed_sha384(context)
    }

    fn claimed_time(document: &NrasAnswer<'_>) -> Option<Timestamp> {
        Some(document.overall.claimed_time())
    }

    fn authenticate(
        document: NrasAnswer<'_>,
        id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason> {
        authenticate(&document, id, context, checks)
    }
}

/// The checks, in order.
fn authenticate(
    answer: &NrasAnswer<'_>,
    evidence_id: EvidenceId,
    context: &Context<'_>,
    checks: &mut Checks,
) -> Result<Authentic, Reason> {
    let tokens = || [&answer.overall].into_iter().chain(answer.devices.iter().map(|device| &device.token));
    let algorithm = checks.run(check::TOKEN_ALGORITHM, || {
        let mut algorithms = tokens().map(|token| token.compact.algorithm(ISSUER.algorithms));
        let first = algorithms.next().unwrap_or_else(|| Err(ReasonCode::NrasBundle.into()))?;
        algorithms.try_for_each(|algorithm| algorithm.map(|_| ())).map(|()| first)
    })?;
    checks.run(check::TOKEN_ISSUER, || {
        tokens().try_for_each(|token| {
            if token.issuer != ISSUER_URL {
                let have: String = token.issuer.chars().take(128).collect();
                return Err(Reason::from(ReasonCode::TokenIssuer).have(have).need(ISSUER_URL));
            }
            token.compact.header.check_jku(&[KEY_SOURCE])
        })
    })?;
    let mut signers = Signers { algorithm, known: Vec::new() };
    signers.verify(&answer.overall, context, checks)?;
    checks.run(check::TOKEN_DIGESTS, || check_digests(answer, context))?;
    for device in &answer.devices {
        signers.verify(&device.token, context, checks).map_err(|mut reason| {
            reason.detail = format!("{}: {}", device.name, reason.detail).into();
            reason
        })?;
    }
    checks.run(check::IDENTITY, || check_devices(answer))?;
    let nonce = expected(answer, context, checks)?;

    let mut claims = Claims::with_capacity(16 + 24 * answer.devices.len());
    signers.claim(&mut claims);
    claims.insert(cross_vendor::ISSUED_AT, answer.overall.window.issued_at);
    claims.insert_if(cross_vendor::NONCE, nonce);
    claims.insert_if(cross_vendor::DEBUG, debug(answer));
    claims.insert(nras::ISSUER, answer.overall.issuer.as_str());
    claims.insert_if(nras::OVERALL_RESULT, answer.stated.result);
    claims.insert_if(nras::CLAIMS_VERSION, answer.stated.version.as_deref());
    claims.insert_if(nras::JTI, answer.stated.jti.as_deref());
    claims.insert(nras::EXP, answer.overall.window.expires);
    let names: Vec<_> = answer.devices.iter().map(|device| Value::from(device.name.to_string().as_str())).collect();
    claims.insert(nras::DEVICES, names);
    for family in [DeviceFamily::Gpu, DeviceFamily::Switch] {
        let devices = answer.devices.iter().filter(|device| device.name.family == family);
        (0..).zip(devices).for_each(|(number, device)| device.device.claim(&mut claims, number));
    }
    let windows = tokens().map(|token| token.window.last());
    Ok(Authentic {
        evidence_id,
        claims,
        checks: Vec::new(),
        objections: objections(answer),
        valid_until: windows.fold(signers.valid_until(), Timestamp::min),
        trust_anchor: signers.trust_anchor(),
        debug_applies: true,
        links: answer.devices.iter().filter_map(|device| device.device.link()).collect::<Vec<Link>>(),
        issuer_keys: signers.each().filter_map(|signer| signer.issuer_key).collect(),
        inputs: signers.inputs(),
    })
}

/// The nonce of a token, which is hex.
fn nonce(payload: &Object<'_>) -> Result<Option<Vec<u8>>, Reason> {
    let malformed = || Reason::new(ReasonCode::TokenMalformed, "`eat_nonce` is not hex");
    match payload.get("eat_nonce") {
        None => Ok(None),
        Some(node) => node.as_text().and_then(|text| hex::decode(text).ok()).map(Some).ok_or_else(malformed),
    }
}

/// The digests of the devices' tokens: `"GPU-0": ["DIGEST", ["SHA-256", hex]]`.
fn digests(payload: &Object<'_>) -> Result<Vec<(DeviceName, [u8; 32])>, Reason> {
    let malformed = || Reason::new(ReasonCode::TokenMalformed, "`submods` does not name devices by SHA-256 digests");
    let submods = payload.object("submods").ok_or_else(malformed)?;
    let mut digests = submods
        .iter()
        .map(|(name, digest)| {
            let Node::List(digest) = digest else { return None };
            let [Node::Text(label), Node::List(value)] = digest.as_slice() else { return None };
            let [Node::Text(algorithm), Node::Text(value)] = value.as_slice() else { return None };
            let mut sha256 = [0; 32];
            hex::decode_to_slice(value.as_ref(), &mut sha256).ok()?;
            let is_known = label == "DIGEST" && (algorithm == "SHA-256" || algorithm == "SHA256");
            Some((DeviceName::read(name)?, sha256)).filter(|_| is_known)
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(malformed)?;
    digests.sort_unstable();
    Ok(digests)
}

/// The devices are exactly those that the overall token names, each with the very token that it names.
fn check_digests(answer: &NrasAnswer<'_>, context: &Context<'_>) -> Result<(), Reason> {
    let join = |names: Vec<String>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let sent: Vec<_> = answer.devices.iter().map(|device| device.name.to_string()).collect();
    let named: Vec<_> = answer.stated.digests.iter().map(|(name, _)| name.to_string()).collect();
    if sent != named {
        return Err(Reason::from(ReasonCode::NrasDevices).have(join(sent)).need(join(named)));
    }
    for (device, (name, need)) in answer.devices.iter().zip(&answer.stated.digests) {
        let have = context.crypto.sha256(&[device.token.compact.text]);
        if have != *need {
            return Err(Reason::from(ReasonCode::NrasDigest)
                .have(format_args!("{name}: {}", hex::encode(have)))
                .need(hex::encode(need)));
        }
    }
    Ok(())
}

/// No device stands there twice, and all of them answered the same question.
fn check_devices(answer: &NrasAnswer<'_>) -> Result<(), Reason> {
    let mut seen = BTreeSet::new();
    for DeviceToken { name, device, .. } in &answer.devices {
        if let Some(ueid) = device.ueid.as_deref().filter(|ueid| !seen.insert((name.family, *ueid))) {
            return Err(Reason::from(ReasonCode::NrasDeviceTwice).have(format_args!("{name} is {ueid}")));
        }
        if let Some(nonce) = device.nonce.as_ref().filter(|nonce| Some(*nonce) != answer.stated.nonce.as_ref()) {
            let need = answer.stated.nonce.as_ref().map_or_else(|| "none".to_owned(), hex::encode);
            return Err(Reason::from(ReasonCode::BindingNonceMismatch)
                .have(format_args!("{name}: {}", hex::encode(nonce)))
                .need(need));
        }
    }
    Ok(())
}

/// Compares the nonce with what is expected of a device's; a device has no place for a binding, which its nonce is part of.
fn expected<'a>(
    answer: &'a NrasAnswer<'_>,
    context: &Context<'_>,
    checks: &mut Checks,
) -> Result<Option<&'a [u8]>, Reason> {
    let have = answer.stated.nonce.as_deref();
    match context.expected.attached_to(Kind::NvidiaNras) {
        None => checks.push(check::NONCE, Outcome::NotPerformed),
        Some(need) => checks.run(check::NONCE, || match have {
            None => Err(ReasonCode::BindingNonceAbsent.into()),
            Some(have) if have == need => Ok(()),
            Some(have) => {
                Err(Reason::from(ReasonCode::BindingNonceMismatch).have(hex::encode(have)).need(hex::encode(need)))
            }
        })?,
    }
    checks.push(check::BINDING, Outcome::NotPerformed);
    Ok(have)
}

/// True if it is for one device, false if it is for all of them; else nobody said.
fn debug(answer: &NrasAnswer<'_>) -> Option<bool> {
    let states = || answer.devices.iter().map(|device| device.device.debug);
    if states().any(|state| state == Some(true)) {
        return Some(true);
    }
    states().all(|state| state == Some(false)).then_some(false)
}

/// What NVIDIA objects to: signed, and not passed.
fn objections(answer: &NrasAnswer<'_>) -> Vec<Reason> {
    let overall = (answer.stated.result != Some(true)).then(|| {
        let have = answer.stated.result.map_or(Cow::Borrowed("absent"), |result| result.to_string().into());
        Reason::from(ReasonCode::NrasOverallResult).have(have).need("true")
    });
    overall.into_iter().chain(answer.devices.iter().flat_map(|device| device.device.objections.clone())).collect()
}

/// The keys that sign an answer. It is one as a rule; the service changes its key every day, and may do so in between.
struct Signers {
    algorithm: Algorithm,
    known: Vec<(Option<String>, Signer)>,
}

impl Signers {
    /// Finds a token's key, and verifies its signature and times.
    fn verify(&mut self, token: &Token<'_>, context: &Context<'_>, checks: &mut Checks) -> Result<(), Reason> {
        let kid = &token.compact.header.kid;
        if !self.known.iter().any(|(known, _)| known == kid) {
            let signer = ISSUER.signer(
                &token.compact,
                ISSUER_URL,
                self.algorithm,
                context.revocation.nvidia,
                context,
                checks,
            )?;
            self.known.push((kid.clone(), signer));
        }
        let signer = self.known.iter().find(|(known, _)| known == kid).map(|(_, signer)| signer);
        token.verify(signer.ok_or(ReasonCode::TokenKeyUnknown)?, context, checks)
    }

    fn each(&self) -> impl Iterator<Item = &Signer> {
        self.known.iter().map(|(_, signer)| signer)
    }

    /// Claims whose word it is; of several keys, what holds for all of them.
    fn claim(&self, claims: &mut Claims) {
        self.each().for_each(|signer| signer.claim(claims));
        let mut roots: Vec<_> = self.each().map(|signer| signer.root_sha256).collect();
        roots.sort_unstable();
        roots.dedup();
        claims.insert(
            cross_vendor::ROOT_SHA256,
            roots.iter().map(|root| Value::from(root.as_slice())).collect::<Vec<_>>(),
        );
        claims.insert(cross_vendor::TRUST_ANCHOR, self.trust_anchor().as_str());
        claims.insert(cross_vendor::SIMULATED, self.each().any(|signer| signer.simulated));
        claims.insert(nras::SIGNER_PINNED, self.each().all(|signer| signer.certificate.is_some()));
    }

    /// Pinned if every key is.
    fn trust_anchor(&self) -> TrustAnchor {
        let is_pinned = self.each().all(|signer| signer.trust_anchor == TrustAnchor::Pinned);
        if is_pinned { TrustAnchor::Pinned } else { TrustAnchor::Configured }
    }

    fn valid_until(&self) -> Timestamp {
        self.each().map(Signer::valid_until).fold(Timestamp::MAX, Timestamp::min)
    }

    /// What the verdict rests on, each once.
    fn inputs(&self) -> Vec<InputDigest> {
        let mut inputs: Vec<_> = self.each().flat_map(Signer::inputs).collect();
        inputs.sort_unstable();
        inputs.dedup();
        inputs
    }
}
