//! What NVIDIA publishes about its devices, and whether what came is it.
//!
//! In: reports, or an answer of NVIDIA's RIM service or of its responder. Out: names of RIMs and statuses; or until when the
//! answer may be kept. A RIM service's answer has the
//! id in it; a RIM alone says of which version it is, and of which product a driver, so that it is known by those.

use prooftrail_result::{Kind, Reason, ReasonCode, Timestamp};

use super::{
    Device, chain, envelope,
    report::Report,
    rim::{self, Rim, RimKind, RimStatus},
};
use crate::{
    context::Context,
    crypto::Crypto,
    endorsements::Endorsements,
    ocsp::{self, CertId, HashAlgorithm},
    wanted::{Admitted, Wanted, only},
    x509::{self, Certificate},
};

/// A RIM is asked for again after 30 days, says the vendor's own proxy; ours asks daily.
const RIM_SECONDS: i64 = 30 * 24 * 3600;

/// How the ids of RIMs of LS10 switches begin.
const SWITCH_BIOS: &str = "NV_SWITCH_BIOS_5612_0002_890";

/// The RIMs that devices of that kind need, and the statuses of their certificates. What a report does not name is not wanted.
pub(crate) fn by(
    evidence: &[u8],
    device: Device,
    endorsements: &Endorsements,
    crypto: &dyn Crypto,
) -> Result<Vec<Wanted>, Reason> {
    let mut wanted = Vec::new();
    for sent in envelope::open(evidence)? {
        let report = Report::parse(&sent.report, device)?;
        let chains = chains_of(sent.envelope.as_ref(), endorsements);
        let chip = chains.iter().find_map(|chain| chain::chip_of(chain.first()?));
        let ids = rim_ids(&report, device, chip.as_deref());
        // What is no id of NVIDIA's is not asked for.
        wanted.extend(ids.into_iter().filter_map(|id| format!("nvidia-rim-{id}").parse::<Wanted>().ok()));
        let of_devices = chains.iter().flat_map(|chain| statuses_of_device(chain, crypto));
        wanted.extend(of_devices.map(|(status, _)| status));
    }
    wanted.sort();
    wanted.dedup();
    Ok(wanted)
}

/// The statuses of devices' certificates, each with the certificates that show who answers for it. Evidence that cannot be read
/// has none.
pub(crate) fn statuses_of_devices(
    evidence: &[u8],
    endorsements: &Endorsements,
    crypto: &dyn Crypto,
) -> Vec<(Wanted, Vec<Vec<u8>>)> {
    let sent = envelope::open(evidence).unwrap_or_default();
    let chains = sent.iter().flat_map(|sent| chains_of(sent.envelope.as_ref(), endorsements));
    chains.flat_map(|chain| statuses_of_device(&chain, crypto)).collect()
}

/// The certificates that came with a report, or else every chain among the endorsements that a device's may be.
fn chains_of<'a>(envelope: Option<&'a envelope::Envelope>, endorsements: &'a Endorsements) -> Vec<Vec<&'a [u8]>> {
    let chains: Vec<Vec<&[u8]>> = match envelope {
        Some(envelope) => vec![envelope.certificates.iter().map(Vec::as_slice).collect()],
        None => endorsements.chains().map(|chain| chain.iter().map(|endorsed| endorsed.der()).collect()).collect(),
    };
    let is_device = |chain: &Vec<&[u8]>| {
        chain.len() == chain::CERTIFICATES && chain.first().is_some_and(|leaf| chain::chip_of(leaf).is_some())
    };
    chains.into_iter().filter(is_device).collect()
}

/// Of every certificate but the attestation key's, of which NVIDIA's responder says nothing.
fn statuses_of_device(chain: &[&[u8]], crypto: &dyn Crypto) -> Vec<(Wanted, Vec<Vec<u8>>)> {
    statuses(chain.iter().skip(1).copied(), crypto)
}

/// The ids by which NVIDIA's service knows the RIMs of a device.
fn rim_ids(report: &Report, device: Device, chip: Option<&str>) -> Vec<String> {
    let opaque = &report.opaque;
    let bios = opaque.bios_version.as_deref().map(|version| version.replace('.', ""));
    let ids = match device {
        Device::Switch => [bios.map(|bios| format!("{SWITCH_BIOS}_{bios}")), None],
        Device::Gpu => {
            let driver = opaque.driver_version.as_deref().zip(chip).map(|(driver, chip)| {
                if chip.starts_with("GH") {
                    return format!("NV_GPU_DRIVER_{chip}_{driver}");
                }
                let family = opaque.chip_info.as_deref().unwrap_or(chip);
                format!("NV_GPU_CC_DRIVER_{family}_{driver}")
            });
            let board = [&opaque.project, &opaque.project_sku, &opaque.chip_sku].map(Option::as_deref);
            let vbios = match (board, bios) {
                ([Some(project), Some(project_sku), Some(chip_sku)], Some(bios)) => {
                    Some(format!("NV_GPU_VBIOS_{project}_{project_sku}_{chip_sku}_{bios}"))
                }
                _ => None,
            };
            [driver, vbios]
        }
    };
    ids.into_iter().flatten().collect()
}

/// Whether what is wanted is there, and in force where there is an instant.
pub(crate) fn is_held(endorsements: &Endorsements, wanted: &Wanted, at: Option<Timestamp>) -> bool {
    match wanted {
        Wanted::NvidiaRim { id } => endorsements.rims().iter().any(|rim| is_for(rim, id)),
        Wanted::NvidiaStatus { .. } => {
            let id = wanted.ocsp_id();
            let mut singles = endorsements.ocsp_responses().iter().flat_map(|response| response.singles());
            singles
                .any(|single| id.as_ref() == Some(&single.id) && at.is_none_or(|at| single.check_validity(at).is_ok()))
        }
        _ => false,
    }
}

/// Whether anything is there that NVIDIA publishes.
pub(crate) fn is_published(endorsements: &Endorsements) -> bool {
    !endorsements.rims().is_empty() || !endorsements.ocsp_responses().is_empty()
}

/// Whether a RIM is the one with that id.
pub(crate) fn is_for(rim: &Rim, id: &str) -> bool {
    if let Some(known) = &rim.service_id {
        return known == id;
    }
    let version = |prefix: &str| id.strip_prefix(prefix).and_then(|rest| rest.rsplit_once('_'));
    let is_version = |(_, version): (&str, &str)| version.eq_ignore_ascii_case(&rim.version.replace('.', ""));
    match rim.kind {
        RimKind::Driver => ["NV_GPU_DRIVER_", "NV_GPU_CC_DRIVER_"].into_iter().any(|prefix| {
            version(prefix).is_some_and(|(product, version)| product == rim.product && version == rim.version)
        }),
        RimKind::Vbios => version("NV_GPU_VBIOS_").is_some_and(is_version),
        RimKind::Switch => version("NV_SWITCH_BIOS_").is_some_and(is_version),
    }
}

/// The statuses that are wanted of the signers of RIMs, each with the certificates that show who answers for it.
pub(crate) fn statuses_of_rims(endorsements: &Endorsements, crypto: &dyn Crypto) -> Vec<(Wanted, Vec<Vec<u8>>)> {
    let rims = endorsements.rims().iter();
    rims.flat_map(|rim| statuses(rim.certificates().iter().map(Vec::as_slice), crypto)).collect()
}

/// The statuses that are wanted of a chain, the leaf first and the root last, each with its issuer and the CAs above that
/// one, the root excepted. A chain that cannot be read has none.
fn statuses<'a>(chain: impl Iterator<Item = &'a [u8]>, crypto: &dyn Crypto) -> Vec<(Wanted, Vec<Vec<u8>>)> {
    let read = chain.map(|der| Certificate::read(der, "a certificate")).collect::<Result<Vec<_>, _>>();
    let read = read.unwrap_or_default();
    let below_root = read.len().saturating_sub(1);
    let of_link = |place: usize| {
        let (certificate, issuer) = (read.get(place)?, read.get(place + 1)?);
        let CertId { issuer_name, issuer_key, serial, .. } =
            CertId::of(crypto, HashAlgorithm::Sha384, certificate, issuer)?;
        let wanted = Wanted::NvidiaStatus {
            issuer_name: Box::new(issuer_name.try_into().ok()?),
            issuer_key: Box::new(issuer_key.try_into().ok()?),
            serial: serial.into(),
        };
        let issuers = read.get(place + 1..below_root)?.iter().map(|above| above.der.clone());
        Some((wanted, issuers.collect()))
    };
    (0..below_root).filter_map(of_link).collect()
}

/// See [`crate::admit`]. `beside` has the issuer of a certificate whose status is wanted, and the CAs above it.
pub(crate) fn admit(wanted: &Wanted, beside: &Endorsements, context: &Context<'_>) -> Result<Admitted, Reason> {
    match wanted {
        Wanted::NvidiaRim { id } => {
            let rim = only(context.endorsements.rims().iter(), "one RIM")?;
            if !is_for(rim, id) {
                let have = rim.service_id.as_deref().unwrap_or(&rim.version).to_owned();
                return Err(Reason::from(ReasonCode::RimServiceAnswer).have(have).need(wanted));
            }
            let verified = rim.verify(context)?;
            if verified.status != RimStatus::Valid {
                return Err(Reason::from(ReasonCode::TimeExpired).have(verified.not_after).need("a RIM in force"));
            }
            let until = verified.valid_until.min(context.at.saturating_add_seconds(RIM_SECONDS));
            Ok(Admitted { age: (0, context.at), until })
        }
        Wanted::NvidiaStatus { .. } => {
            let response = only(context.endorsements.ocsp_responses().iter(), "one OCSP response")?;
            let id = wanted.ocsp_id();
            let single = only(response.singles().filter(|single| id.as_ref() == Some(&single.id)), "one answer")?;
            single.check_validity(context.at)?;
            let issuer = issuer_of(&single.id, beside, context)?;
            let until = ocsp::verify(response, &issuer, &rim::PROFILE, context)?;
            Ok(Admitted { age: (0, single.this_update), until: single.valid_until().min(until) })
        }
        _ => Err(Reason::from(ReasonCode::EndorsementUnrecognised).need(wanted)),
    }
}

/// The certificate that is meant by an identifier's digests of its name and key: a root, or a CA of those beside, which stand
/// in order with the root's child last. NVIDIA's chains of devices and of RIMs have one profile.
fn issuer_of(id: &CertId, beside: &Endorsements, context: &Context<'_>) -> Result<Certificate, Reason> {
    let kinds = [Kind::NvidiaGpu, Kind::NvidiaSwitch].into_iter();
    let roots = kinds.flat_map(|kind| context.roots.serving(kind).chain(context.roots.of_reference_values(kind)));
    let mut failed = None;
    for root in roots {
        let mut walked = x509::alone::root(root, &rim::PROFILE);
        for ca in beside.certificates().iter().rev() {
            walked = walked.and_then(|above| x509::alone::verify_ca(&above, ca.der(), &rim::PROFILE, context));
        }
        match walked {
            Ok(issuer) if id.is_of_issuer(context.crypto, &issuer) => return Ok(issuer),
            Ok(_) => {}
            Err(reason) => failed = failed.or(Some(reason)),
        }
    }
    Err(failed.unwrap_or_else(|| ReasonCode::RevocationIssuer.into()))
}
