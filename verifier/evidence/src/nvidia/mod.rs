//! NVIDIA's devices: reports of GPUs (`nvidia-gpu`) and of NVSwitches (`nvidia-switch`), one or several in a piece.
//!
//! In: reports, each with its certificates or with those among the endorsements. Out: authentic claims, the devices numbered
//! in the order sent. Parsing stands in [`envelope`], [`report`] and [`opaque`], certificates in [`chain`] and [`fwid`]; this
//! file is the order of the checks: chain → revocation → names → signature → firmware id → what belongs together → nonce →
//! reference values ([`compare`]). Only the last leaves evidence authentic where it fails.

mod chain;
mod claims;
mod compare;
mod envelope;
mod fwid;
mod opaque;
mod report;
mod revocation;
pub(crate) mod rim;
pub(crate) mod sample_nonces;
pub(crate) mod wanted;

use std::{borrow::Cow, collections::BTreeSet, marker::PhantomData, sync::Arc};

use prooftrail_result::{
    EvidenceId, Kind, Outcome, Reason, ReasonCode, Timestamp, TrustAnchor,
    claims::{Claims, cross_vendor},
};
use prooftrail_trust_roots::Root;

use self::{
    chain::{DeviceChain, Identity},
    compare::Compared,
    envelope::{Envelope, MAX_EVIDENCE_BYTES},
    report::Report,
    revocation::DeviceRevocation,
};
use crate::{
    authentic::{Authentic, InputDigest, Link, check},
    checks::Checks,
    context::{Context, RevocationMode},
    endorsements::EndorsedCertificate,
    format::Format,
    x509::{self, Certificate, Outline, PublicKey, Revocation, VerifiedCertificate},
};

/// Chains among the endorsements that a report without certificates is tried with; more are not looked at.
const MAX_CHAINS: usize = 16;

/// `nvidia-gpu`.
pub type NvidiaGpu = NvidiaReports<Gpu>;

/// `nvidia-switch`.
pub type NvidiaSwitch = NvidiaReports<Switch>;

/// Reports of one kind of device.
#[derive(Clone, Copy, Debug)]
pub struct NvidiaReports<D>(PhantomData<D>);

/// A GPU.
#[derive(Clone, Copy, Debug)]
pub struct Gpu;

/// An NVSwitch.
#[derive(Clone, Copy, Debug)]
pub struct Switch;

/// What reports.
pub trait Reporting {
    /// Which kind of device it is.
    const DEVICE: Device;
}

impl Reporting for Gpu {
    const DEVICE: Device = Device::Gpu;
}

impl Reporting for Switch {
    const DEVICE: Device = Device::Switch;
}

/// What kind of device made a report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Device {
    /// A GPU.
    Gpu,
    /// An NVSwitch.
    Switch,
}

impl Device {
    const fn kind(self) -> Kind {
        match self {
            Self::Gpu => Kind::NvidiaGpu,
            Self::Switch => Kind::NvidiaSwitch,
        }
    }

    /// How the serial numbers of such devices begin.
    const fn identity_prefix(self) -> u8 {
        match self {
            Self::Gpu => 0x41,
            Self::Switch => 0x50,
        }
    }
}

/// Reports that have the format, one for each device.
#[derive(Debug)]
pub struct NvidiaEvidence<'a>(Vec<SentReport<'a>>);

/// A report with what came with it.
#[derive(Debug)]
struct SentReport<'a> {
    bytes: Cow<'a, [u8]>,
    report: Report,
    envelope: Option<Envelope>,
}

impl SentReport<'_> {
    fn signed(&self) -> &[u8] {
        self.bytes.get(..self.report.signed_bytes).unwrap_or_default()
    }
}

impl<D: Reporting> Format for NvidiaReports<D> {
    const KIND: Kind = D::DEVICE.kind();
    const MAX_BYTES: usize = MAX_EVIDENCE_BYTES;
    type Document<'a> = NvidiaEvidence<'a>;

    fn parse(bytes: &[u8]) -> Result<NvidiaEvidence<'_>, Reason> {
        parse(bytes, D::DEVICE)
    }

    /// Of several reports one behind the other; each says itself how long it is.
    fn signed_sha384(NvidiaEvidence(reports): &NvidiaEvidence<'_>, context: &Context<'_>) -> [u8; 48] {
        let signed: Vec<&[u8]> = reports.iter().map(SentReport::signed).collect();
        context.crypto.sha384(&signed)
    }

    fn claimed_time(_: &NvidiaEvidence<'_>) -> Option<Timestamp> {
        None
    }

    fn authenticate(
        document: NvidiaEvidence<'_>,
        id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason> {
        authenticate(&document, D::DEVICE, id, context, checks)
    }
}

fn parse(bytes: &[u8], device: Device) -> Result<NvidiaEvidence<'_>, Reason> {
    let mut reports = Vec::new();
    for sent in envelope::open(bytes)? {
        let report = Report::parse(&sent.report, device)?;
        reports.push(SentReport { bytes: sent.report, report, envelope: sent.envelope });
    }
    Ok(NvidiaEvidence(reports))
}

/// What stands behind a report.
#[derive(Debug)]
struct Vouched<'a> {
    report: &'a Report,
    chain: DeviceChain<'a>,
    leaf: Arc<VerifiedCertificate>,
    revocation: DeviceRevocation,
    identity: Arc<Identity>,
    compared: Compared<'a>,
    /// The certificates that were endorsements.
    endorsed: &'a [Arc<EndorsedCertificate>],
}

impl<'a> Vouched<'a> {
    /// The roots that it rests on: the device's, and those of the reference values.
    fn roots(&self) -> impl Iterator<Item = &'a Root> {
        let of_values: Vec<_> = self.compared.used().map(|verified| verified.root).collect();
        [self.chain.root].into_iter().chain(of_values)
    }

    /// Until when all of this holds.
    fn valid_until(&self) -> Timestamp {
        self.leaf.valid_until().min(self.revocation.valid_until).min(self.compared.valid_until())
    }
}

/// The checks, device by device, and then of what belongs together.
fn authenticate(
    NvidiaEvidence(reports): &NvidiaEvidence<'_>,
    device: Device,
    evidence_id: EvidenceId,
    context: &Context<'_>,
    checks: &mut Checks,
) -> Result<Authentic, Reason> {
    let mut devices = Vec::with_capacity(reports.len());
    for sent in reports {
        let digest = match reports.as_slice() {
            [_] => evidence_id.signed_sha384,
            _ => context.crypto.sha384(&[sent.signed()]),
        };
        // A check that every device passes is one check of the piece.
        let mut own = Checks::default();
        let vouched = vouch(sent, &digest, device, context, &mut own);
        checks.join(own);
        devices.push(vouched?);
    }
    let mut together = Checks::default();
    let belong = together.run(check::IDENTITY, || check_together(&devices));
    checks.join(together);
    belong?;
    check_nonce(&devices, device, context, checks)?;
    compare_all(&mut devices, device, context, checks)?;

    let mut claims = Claims::with_capacity(16 + 96 * devices.len());
    claims::claim_piece(&mut claims, &devices);
    let mut known = devices.iter().fold(Revocation::default(), |known, device| known.and(&device.revocation.known));
    let rims = devices.iter().flat_map(|device| &device.compared.rims);
    known.as_of = known.as_of.into_iter().chain(rims.filter_map(|verified| verified.revocation_as_of)).min();
    x509::claim_revocation(&mut claims, &known);
    if known.checked > 0 {
        // NVIDIA says what is revoked; good is whatever it does not know.
        claims.insert(cross_vendor::REVOCATION_SCOPE, "deny_list");
    }
    for (n, vouched) in (0..).zip(&devices) {
        claims::claim_device(&mut claims, n, vouched, device);
    }
    Ok(Authentic {
        evidence_id,
        claims,
        checks: Vec::new(),
        objections: devices.iter().flat_map(|device| &device.compared.objections).cloned().collect(),
        valid_until: devices.iter().map(Vouched::valid_until).min().unwrap_or(context.at),
        trust_anchor: devices
            .iter()
            .flat_map(Vouched::roots)
            .map(|root| root.trust_anchor)
            .max()
            .unwrap_or(TrustAnchor::Configured),
        debug_applies: false,
        links: devices.iter().map(|device| Link::Device(device.identity.ueid.as_str().into())).collect(),
        issuer_keys: Vec::new(),
        inputs: inputs(&devices, &known),
    })
}

/// Authenticates one report.
fn vouch<'a>(
    sent: &'a SentReport<'_>,
    digest: &[u8; 48],
    device: Device,
    context: &Context<'a>,
    checks: &mut Checks,
) -> Result<Vouched<'a>, Reason> {
    let report = &sent.report;
    let (chain, endorsed) = checks.run(check::ROOT, || find_chain(sent, digest, device, context))?;
    // That enough is known, is judged here: lists do not speak of devices.
    let lists = context.revocation.nvidia.min(RevocationMode::BestEffort);
    let leaf = x509::verify(chain.chain(), chain.profile, lists, context, checks)?;
    let revocation = DeviceRevocation::of(&chain, &leaf, context).inspect_err(|_| checks.failed(check::REVOCATION))?;
    let identity = checks.run(check::PROFILE, || leaf.reading(|_| Identity::read(&leaf, device)))?;
    checks.run(check::SIGNATURE, || verify_signature(report, digest, &leaf.certificate, context))?;
    checks.run(check::IDENTITY, || check_identity(sent, &identity))?;
    let compared = Compared::default();
    Ok(Vouched { report, chain, leaf, revocation, identity, compared, endorsed })
}

/// The certificates that came with a report, or the ones among the endorsements that fit it.
fn find_chain<'a>(
    sent: &'a SentReport<'_>,
    digest: &[u8; 48],
    device: Device,
    context: &Context<'a>,
) -> Result<(DeviceChain<'a>, &'a [Arc<EndorsedCertificate>]), Reason> {
    if let Some(envelope) = &sent.envelope {
        let certificates: Vec<&[u8]> = envelope.certificates.iter().map(Vec::as_slice).collect();
        return Ok((DeviceChain::of(&certificates, device, context)?, &[]));
    }
    let read = |endorsed: &'a [Arc<EndorsedCertificate>]| {
        let certificates: Vec<&[u8]> = endorsed.iter().map(|certificate| certificate.der()).collect();
        Ok((DeviceChain::of(&certificates, device, context)?, endorsed))
    };
    let mut chains =
        context.endorsements.chains().filter(|chain| is_of_device(chain, device, context)).take(MAX_CHAINS);
    let first = read(chains.next().ok_or(ReasonCode::NvidiaChainMissing)?);
    let mut others = chains.peekable();
    if others.peek().is_none() {
        return first;
    }
    // A report does not say whose it is: the key does that verifies it.
    let fits = |(chain, _): &(DeviceChain<'a>, _)| {
        let leaf = Certificate::read(chain.leaf, "the leaf");
        leaf.is_ok_and(|leaf| verify_signature(&sent.report, digest, &leaf, context).is_ok())
    };
    let mut readable = std::iter::once(first).chain(others.map(read)).filter_map(Result::ok);
    readable.find(fits).ok_or_else(|| {
        Reason::new(ReasonCode::NvidiaSignature, "the report's signature verifies under no leaf of the chains supplied")
    })
}

/// Whether a chain that was supplied is NVIDIA's: one of its certificates names a root for such devices as its issuer.
fn is_of_device(chain: &[Arc<EndorsedCertificate>], device: Device, context: &Context<'_>) -> bool {
    context.roots.serving(device.kind()).any(|root| {
        let outline = Outline::of(&root.der);
        outline
            .is_some_and(|outline| chain.iter().any(|certificate| certificate.issuer() == outline.subject(&root.der)))
    })
}

/// The report, its certificates and what came with them are about one device.
fn check_identity(sent: &SentReport<'_>, identity: &Identity) -> Result<(), Reason> {
    let Report { nonce, opaque, .. } = &sent.report;
    let certified = identity.fwid.as_ref();
    if let Some(key) = certified.and_then(|fwid| fwid.device_key.as_ref())
        && *key != identity.device_key
    {
        return Err(ReasonCode::NvidiaFwidKey.into());
    }
    let certified = certified.map(|fwid| fwid.digest);
    if let Some(reported) = opaque.fwid
        && Some(reported) != certified
    {
        let certified = certified.map_or_else(|| "none".to_owned(), hex::encode);
        return Err(Reason::from(ReasonCode::NvidiaFwidMismatch).have(hex::encode(reported)).need(certified));
    }
    let differs = |what: &'static str, have: String, need: String| {
        let detail = format!("the report and its certificates are of two devices, or their sender errs: {what}");
        Err(Reason::new(ReasonCode::NvidiaDeviceMismatch, detail).have(have).need(need))
    };
    if let Some(own) = opaque.own_pdi
        && own != identity.pdi
    {
        return differs("identifier", hex::encode(own), hex::encode(identity.pdi));
    }
    if let Some(envelope) = &sent.envelope {
        if envelope.architecture != identity.architecture {
            return differs("architecture", envelope.architecture.clone(), identity.architecture.to_owned());
        }
        if envelope.nonce != *nonce {
            return differs("nonce", hex::encode(envelope.nonce), hex::encode(nonce));
        }
    }
    Ok(())
}

fn verify_signature(
    report: &Report,
    digest: &[u8; 48],
    leaf: &Certificate,
    context: &Context<'_>,
) -> Result<(), Reason> {
    let PublicKey::P384(point) = &leaf.public_key else {
        return Err(ReasonCode::ChainKeyType.into());
    };
    context.crypto.verify_p384_sha384(point, digest, &report.signature).map_err(|_| ReasonCode::NvidiaSignature.into())
}

/// The devices of a piece are different ones, and answer one question.
fn check_together(devices: &[Vouched<'_>]) -> Result<(), Reason> {
    let mut seen = BTreeSet::new();
    if let Some(twice) = devices.iter().find(|device| !seen.insert(device.identity.pdi)) {
        return Err(Reason::from(ReasonCode::NvidiaDeviceTwice).have(hex::encode(twice.identity.pdi)));
    }
    let mut nonces = devices.iter().map(|device| device.report.nonce);
    let first = nonces.next().unwrap_or_default();
    match nonces.find(|nonce| *nonce != first) {
        Some(other) => {
            Err(Reason::from(ReasonCode::NvidiaNoncesDiffer).have(hex::encode(other)).need(hex::encode(first)))
        }
        None => Ok(()),
    }
}

/// The devices' one nonce is the expected one.
fn check_nonce(
    devices: &[Vouched<'_>],
    device: Device,
    context: &Context<'_>,
    checks: &mut Checks,
) -> Result<(), Reason> {
    let Some(expected) = context.expected.attached_to(device.kind()) else {
        checks.push(check::NONCE, Outcome::NotPerformed);
        return Ok(());
    };
    checks.run(check::NONCE, || match devices.iter().find(|device| device.report.nonce != expected) {
        Some(other) => Err(Reason::from(ReasonCode::BindingNonceMismatch)
            .have(hex::encode(other.report.nonce))
            .need(hex::encode(expected))),
        None => Ok(()),
    })
}

/// Compares each device with the reference values for it.
fn compare_all<'a>(
    devices: &mut [Vouched<'a>],
    device: Device,
    context: &Context<'a>,
    checks: &mut Checks,
) -> Result<(), Reason> {
    for vouched in &mut *devices {
        let compared = compare::compare(vouched.report, &vouched.identity, device, context);
        vouched.compared = compared.inspect_err(|_| checks.failed(check::REFERENCE_VALUES))?;
    }
    let all = || devices.iter().map(|device| &device.compared);
    let outcome = if all().any(|compared| !compared.objections.is_empty()) {
        Outcome::Failed
    } else if all().any(|compared| compared.mismatched.is_some()) {
        Outcome::Passed
    } else {
        Outcome::NotPerformed
    };
    checks.push(check::REFERENCE_VALUES, outcome);
    Ok(())
}

/// What the verdict rests on, each once; what came inside the evidence is the evidence.
fn inputs(devices: &[Vouched<'_>], known: &Revocation) -> Vec<InputDigest> {
    let mut inputs: BTreeSet<InputDigest> = BTreeSet::new();
    inputs.extend(devices.iter().map(|device| InputDigest { role: "root", sha256: device.chain.root.sha256 }));
    let certificates = devices.iter().flat_map(|device| device.endorsed).map(|endorsed| endorsed.sha256());
    inputs.extend(certificates.map(|sha256| InputDigest { role: "certificate", sha256 }));
    inputs.extend(devices.iter().flat_map(|device| device.revocation.inputs.iter().copied()));
    let rims = devices.iter().flat_map(|device| &device.compared.rims);
    inputs.extend(rims.flat_map(|verified| verified.inputs.iter().copied()));
    inputs.extend(known.crls.iter().map(|&sha256| InputDigest { role: "crl", sha256 }));
    inputs.into_iter().collect()
}
