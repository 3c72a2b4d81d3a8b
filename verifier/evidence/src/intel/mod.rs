//! Intel: quotes of trust domains (`intel-tdx`) and of enclaves (`intel-sgx`), one chain of trust.
//!
//! In: an ECDSA quote and Intel's collateral. Out: authentic claims. Parsing stands in [`quote`] and [`collateral`]; this
//! file is the order of the checks: root → PCK chain → QE report → attestation key → signature → collateral → identities →
//! what the caller expects → TCB level. Only the last leaves evidence authentic where it fails.

mod claims;
pub(crate) mod collateral;
pub(crate) mod event_log;
mod identity;
mod names;
mod pck;
mod pem;
mod quote;
pub(crate) mod service;
mod tcb;
pub(crate) mod wanted;

use std::{marker::PhantomData, sync::Arc};

use prooftrail_result::{EvidenceId, Kind, Outcome, Reason, ReasonCode, Timestamp};
use prooftrail_trust_roots::Root;
use x509_cert::ext::pkix::KeyUsages;

use self::{
    collateral::{Document, QeIdentity, Signed, Status, SvnLevel, TcbInfo},
    pck::PckExtension,
    quote::{Body, MAX_QUOTE_BYTES, Quote},
    tcb::{Converged, Evaluated},
};
use crate::{
    authentic::{Authentic, InputDigest, Link, check},
    checks::Checks,
    context::{Context, Expected},
    crypto::{Crypto, SignatureAlgorithm},
    expected,
    format::Format,
    gce::{self, Measured},
    hardware::HardwareReport,
    x509::{self, Certificate, Chain, KeyType, Profile, PublicKey, Remembered, Revocation, VerifiedCertificate},
};

pub use quote::Tee;
pub use wanted::IntelCa;

/// Intel's chains: P-256 with SHA-256 throughout.
const fn profile(name: &'static str) -> Profile {
    Profile {
        name,
        algorithms: &[SignatureAlgorithm::EcdsaP256Sha256],
        ca_key: KeyType::P256,
        leaf_key: KeyType::P256,
        leaf_usage: Some(KeyUsages::DigitalSignature),
        extended_key_usage: None,
        leaf_leeway_seconds: 0,
    }
}

/// The chain of a platform's key.
static PCK: Profile = profile("intel-pck");

/// `intel-tdx`.
pub type TdxQuote = IntelQuote<TrustDomain>;

/// `intel-sgx`.
pub type SgxQuote = IntelQuote<Enclave>;

/// A quote of one of the two kinds.
#[derive(Clone, Copy, Debug)]
pub struct IntelQuote<T>(PhantomData<T>);

/// A TDX guest.
#[derive(Clone, Copy, Debug)]
pub struct TrustDomain;

/// An SGX enclave.
#[derive(Clone, Copy, Debug)]
pub struct Enclave;

/// What is quoted.
pub trait Quoted {
    /// The kind that selects it.
    const KIND: Kind;
    /// The TEE that the quote's header names.
    const TEE: Tee;
}

impl Quoted for TrustDomain {
    const KIND: Kind = Kind::IntelTdx;
    const TEE: Tee = Tee::Tdx;
}

impl Quoted for Enclave {
    const KIND: Kind = Kind::IntelSgx;
    const TEE: Tee = Tee::Sgx;
}

/// A quote that has the format.
#[derive(Debug)]
pub struct QuoteDocument<'a>(Quote<'a>);

impl<T: Quoted> Format for IntelQuote<T> {
    const KIND: Kind = T::KIND;
    const MAX_BYTES: usize = MAX_QUOTE_BYTES;
    type Document<'a> = QuoteDocument<'a>;

    fn parse(bytes: &[u8]) -> Result<QuoteDocument<'_>, Reason> {
        Quote::parse(bytes, T::TEE).map(QuoteDocument)
    }

    fn signed_sha384(document: &QuoteDocument<'_>, context: &Context<'_>) -> [u8; 48] {
        context.crypto.sha384(&[document.0.signed])
    }

    fn claimed_time(_: &QuoteDocument<'_>) -> Option<Timestamp> {
        None
    }

    fn authenticate(
        document: QuoteDocument<'_>,
        id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason> {
        authenticate(&document.0, id, T::TEE, Some(context.expected), context, checks)
    }
}

impl<T: Quoted> HardwareReport for IntelQuote<T> {
    fn signed<'d>(document: &'d QuoteDocument<'_>) -> &'d [u8] {
        document.0.signed
    }

    fn report_data<'d>(document: &'d QuoteDocument<'_>) -> &'d [u8; 64] {
        document.0.body.report_data()
    }

    fn vouch(
        document: &QuoteDocument<'_>,
        id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason> {
        authenticate(&document.0, id, T::TEE, None, context, checks)
    }
}

/// What was verified on the way, for the claims.
struct Established<'a> {
    quote: &'a Quote<'a>,
    root: &'a Root,
    pck: Arc<VerifiedCertificate>,
    platform: Arc<Platform>,
    tcb_info: &'a Signed<TcbInfo>,
    qe_identity: &'a Signed<QeIdentity>,
    /// The signers of the two.
    signers: [Arc<VerifiedCertificate>; 2],
    /// Along every chain.
    revocation: Revocation,
}

/// The checks, in order. Each consumes what the one before it established.
fn authenticate(
    quote: &Quote<'_>,
    evidence_id: EvidenceId,
    tee: Tee,
    expected: Option<Expected<'_>>,
    context: &Context<'_>,
    checks: &mut Checks,
) -> Result<Authentic, Reason> {
    let (root, pck) = verify_chain(quote, evidence_id.kind, context, checks)?;
    let platform = checks.run(check::PCK, || pck.reading(Platform::read))?;
    checks.run(check::ATTESTATION_KEY, || verify_attestation_key(quote, &pck, context))?;
    checks.run(check::SIGNATURE, || verify_signature(quote, context))?;

    let collateral = context.endorsements.collateral();
    let (tcb_info, qe_identity, signers) = checks.run(check::COLLATERAL, || {
        let tcb_info = collateral.tcb_info(tee, &platform.extension, context.at)?;
        let qe_identity = collateral.qe_identity(tee, context.at)?;
        let signers = [tcb_info.verify(root, context)?, qe_identity.verify(root, context)?];
        Ok((tcb_info, qe_identity, signers))
    })?;
    checks.run(check::IDENTITY, || {
        identity::quoting_enclave(&quote.signature_data.qe_report, &qe_identity.content)?;
        match &quote.body {
            Body::Td(report) => identity::tdx_module(report, &tcb_info.content),
            Body::Enclave(_) => Ok(()),
        }
    })?;
    let bound = expected::in_report_data(quote.body.report_data(), expected, checks)?;

    let revocation = signers.iter().fold(pck.revocation.clone(), |all, signer| all.and(&signer.revocation));
    let established = Established { quote, root, pck, platform, tcb_info, qe_identity, signers, revocation };
    let (evaluated, objections) = judge(&established);
    let mut claims = claims::claims(&established, evaluated.as_ref(), tee, context);
    bound.claim(&mut claims);
    let mut inputs = established.inputs();
    if let Body::Td(report) = &quote.body {
        let log = event_log::claim(context.endorsements.event_logs(), &report.rtmrs, &mut claims);
        inputs.extend(log.map(|log| InputDigest { role: "event_log", sha256: log.sha256 }));
    }
    checks.push(check::TCB, if objections.is_empty() { Outcome::Passed } else { Outcome::Failed });
    let mut authentic = Authentic {
        evidence_id,
        claims,
        checks: Vec::new(),
        objections,
        valid_until: established.valid_until(),
        trust_anchor: root.trust_anchor,
        debug_applies: true,
        links: Vec::new(),
        issuer_keys: Vec::new(),
        inputs,
    };
    if let Body::Td(report) = &quote.body {
        gce::endorse(&mut authentic, Measured::Tdx(report.mrtd), context, checks)?;
    }
    Ok(authentic)
}

/// The chain's last certificate must be a root of ours, byte for byte; it is the anchor because we know it, not because
/// it was sent.
fn verify_chain<'c>(
    quote: &Quote<'_>,
    kind: Kind,
    context: &Context<'c>,
    checks: &mut Checks,
) -> Result<(&'c Root, Arc<VerifiedCertificate>), Reason> {
    let revocation = context.revocation.intel;
    let remembered = Remembered::of([&[], quote.signature_data.pck_chain], &PCK, revocation, context);
    if let Some(pck) = remembered.find(context)
        && let Some(root) = context.roots.serving(kind).find(|root| root.sha256 == pck.root_sha256)
    {
        checks.passed(check::ROOT);
        remembered.accept(&pck, checks)?;
        return Ok((root, pck));
    }
    let (root, certificates) = checks.run(check::ROOT, || {
        let certificates = quote.signature_data.pck_certificates()?;
        let [leaf, ca, sent] = <[Vec<u8>; 3]>::try_from(certificates).map_err(|certificates| {
            Reason::from(ReasonCode::ChainLength).have(certificates.len()).need("3: PCK, CA and root")
        })?;
        let root = context.roots.find(kind, &sent).ok_or_else(|| {
            Reason::from(ReasonCode::ChainRootNotPinned)
                .have(format_args!("root with SHA-256 {}", hex::encode(context.crypto.sha256(&[&sent]))))
        })?;
        Ok((root, [leaf, ca]))
    })?;
    let [leaf, ca] = &certificates;
    let pck = x509::verify(Chain { root, intermediates: &[ca], leaf }, &PCK, revocation, context, checks)?;
    remembered.remember(&pck, context);
    Ok((root, pck))
}

/// What a PCK certificate says of its platform.
struct Platform {
    /// The CA that certified it.
    ca: &'static str,
    extension: PckExtension,
}

impl Platform {
    /// Reads a certificate. It must be for what it is used for, and so must its issuer.
    fn read(pck: &Certificate) -> Result<Self, Reason> {
        // The CA's name is the leaf's issuer: the chain engine has compared them.
        let ca = names::check(&pck.issuer, "the CA", &[names::PLATFORM_CA, names::PROCESSOR_CA])?;
        names::check(&pck.subject, "the leaf", &[names::PCK])?;
        let extension = pck
            .other_extension(pck::EXTENSION)
            .ok_or_else(|| Reason::new(ReasonCode::PckExtension, "the PCK certificate has no SGX extension"))?;
        let ca = if ca == names::PLATFORM_CA { "platform" } else { "processor" };
        Ok(Self { ca, extension: PckExtension::read(extension)? })
    }
}

/// The platform's key signed the quoting enclave's report, and the report names the attestation key.
fn verify_attestation_key(quote: &Quote<'_>, pck: &VerifiedCertificate, context: &Context<'_>) -> Result<(), Reason> {
    let data = &quote.signature_data;
    let PublicKey::P256(point) = &pck.certificate.public_key else {
        return Err(ReasonCode::ChainKeyType.into());
    };
    let digest = context.crypto.sha256(&[data.qe_report_bytes]);
    // The same in every quote until the enclave starts anew.
    context
        .verify_p256_once(point, &digest, data.qe_report_signature)
        .map_err(|_| Reason::from(ReasonCode::QuoteQeReportSignature))?;
    let mut need = [0; 64];
    let (digest, _) = need.split_at_mut(32);
    digest.copy_from_slice(&context.crypto.sha256(&[data.attestation_key, data.qe_auth_data]));
    if *data.qe_report.report_data == need {
        return Ok(());
    }
    Err(Reason::from(ReasonCode::BindingAttestationKey)
        .have(hex::encode(data.qe_report.report_data))
        .need(hex::encode(need)))
}

fn verify_signature(quote: &Quote<'_>, context: &Context<'_>) -> Result<(), Reason> {
    let data = &quote.signature_data;
    let mut point = [4; 65];
    let (_, coordinates) = point.split_at_mut(1);
    coordinates.copy_from_slice(data.attestation_key);
    let digest = context.crypto.sha256(&[quote.signed]);
    context.crypto.verify_p256_sha256(&point, &digest, data.signature).map_err(|_| ReasonCode::QuoteSignature.into())
}

/// What the versions are worth, and what no policy can allow of it.
fn judge(established: &Established<'_>) -> (Option<Evaluated>, Vec<Reason>) {
    let Established { quote, platform, tcb_info, qe_identity, .. } = established;
    let extension = &platform.extension;
    let info = &tcb_info.content;
    let qe: Result<&SvnLevel, Reason> =
        tcb::qe_level(&qe_identity.content.tcb_levels, quote.signature_data.qe_report.isvsvn);
    let evaluated = qe.map_err(|reason| vec![reason]).and_then(|qe| match &quote.body {
        Body::Enclave(_) => tcb::sgx(info, extension, qe),
        Body::Td(report) => {
            let present = report.td15.as_ref().map(|td15| td15.tee_tcb_svn2);
            tcb::tdx(info, extension, qe, report.tee_tcb_svn, present)
        }
    });
    match evaluated {
        Ok(evaluated) => {
            let revoked = (evaluated.status == Converged::Level(Status::Revoked))
                .then(|| Reason::from(ReasonCode::TcbRevoked).have("Revoked"));
            (Some(evaluated), revoked.into_iter().collect())
        }
        Err(reasons) => (None, reasons),
    }
}

impl Authentic {
    /// Notes by what tokens name a quote of Intel's: the SHA-256 of the bytes that were authenticated, with and without the
    /// padding in which hosts hand them out. Evidence of other kinds has no such name. Whoever appraises a quote beside a token
    /// calls this; a quote alone needs no name.
    pub fn link_quote(&mut self, bytes: &[u8], crypto: &dyn Crypto) {
        let tee = match self.kind() {
            Kind::IntelTdx => Tee::Tdx,
            Kind::IntelSgx => Tee::Sgx,
            _ => return,
        };
        let Ok(quote) = Quote::parse(bytes, tee) else { return };
        self.links.push(Link::QuoteSha256(crypto.sha256(&[quote.unpadded])));
        if quote.as_sent.len() != quote.unpadded.len() {
            self.links.push(Link::QuoteSha256(crypto.sha256(&[quote.as_sent])));
        }
    }
}

impl Established<'_> {
    fn chains(&self) -> impl Iterator<Item = &VerifiedCertificate> {
        self.signers.iter().chain([&self.pck]).map(AsRef::as_ref)
    }

    fn documents_due(&self) -> Timestamp {
        self.tcb_info.content.next_update().min(self.qe_identity.content.next_update())
    }

    fn valid_until(&self) -> Timestamp {
        let chains = self.chains().map(VerifiedCertificate::valid_until);
        chains.fold(self.documents_due().just_before(), Timestamp::min)
    }

    fn inputs(&self) -> Vec<InputDigest> {
        let crls = self.revocation.crls.iter().map(|&sha256| InputDigest { role: "crl", sha256 });
        let documents = [
            InputDigest { role: "root", sha256: self.root.sha256 },
            InputDigest { role: TcbInfo::ROLE, sha256: self.tcb_info.sha256 },
            InputDigest { role: QeIdentity::ROLE, sha256: self.qe_identity.sha256 },
        ];
        documents.into_iter().chain(crls).collect()
    }
}
