//! Whether the rules say which image runs, what it executes, and on whose account.

use prooftrail_result::{
    Kind, Timestamp,
    claims::{
        ClaimId, ClaimName, Value, azure_vtpm, cross_vendor, gcs, gpu, ita, job, maa, nitro, nitrotpm, sgx, snp, tdx,
    },
};

use super::{Finding, LintCode, demands::demands};
use crate::{ClaimPattern, Operator, Platform, Rule, policy::Terms, rule::Operand};

/// Claims that pin an image when all of them are pinned.
struct ImagePin {
    claims: &'static [Pinned],
    /// Whether the image, so pinned, can run nothing but what was measured into it.
    fixes_what_runs: bool,
}

/// A claim that a rule may pin.
#[derive(Clone, Copy)]
enum Pinned {
    Claim(ClaimId),
    Register(ClaimId, u16),
    AnyRegister(ClaimId),
}
use Pinned::{AnyRegister, Claim, Register};

const fn fixing(claims: &'static [Pinned]) -> ImagePin {
    ImagePin { claims, fixes_what_runs: true }
}

const fn loose(claims: &'static [Pinned]) -> ImagePin {
    ImagePin { claims, fixes_what_runs: false }
}

/// The ways to pin the image of a CPU kind. Firmware that loads a guest fixes nothing of what the guest runs, and a
/// signer signs many images.
fn image_pins(kind: Kind) -> &'static [ImagePin] {
    match kind {
        Kind::AwsNitro => {
            &const {
                [
                    fixing(&[Register(nitro::PCR, 0)]),
                    fixing(&[Register(nitro::PCR, 1), Register(nitro::PCR, 2)]),
                    fixing(&[Claim(cross_vendor::MEASUREMENT)]),
                    loose(&[Register(nitro::PCR, 8)]),
                ]
            }
        }
        Kind::AwsNitroTpm => {
            &const {
                [
                    fixing(&[Register(nitrotpm::PCR, 4), Register(nitrotpm::PCR, 12)]),
                    fixing(&[Claim(cross_vendor::MEASUREMENT), Register(nitrotpm::PCR, 12)]),
                    loose(&[Register(nitrotpm::PCR, 7)]),
                ]
            }
        }
        Kind::AmdSevSnp => &const { [loose(&[Claim(snp::MEASUREMENT)]), loose(&[Claim(cross_vendor::MEASUREMENT)])] },
        Kind::IntelTdx => &const { [loose(&[Claim(tdx::MRTD)]), loose(&[Claim(cross_vendor::MEASUREMENT)])] },
        Kind::IntelSgx => {
            &const {
                [
                    fixing(&[Claim(sgx::MRENCLAVE)]),
                    fixing(&[Claim(cross_vendor::MEASUREMENT)]),
                    loose(&[Claim(sgx::MRSIGNER), Claim(sgx::ISVPRODID)]),
                ]
            }
        }
        // The hardware measures the paravisor there; the guest stands in the vTPM.
        Kind::AzureSnpVtpm | Kind::AzureTdxVtpm => &const { [loose(&[AnyRegister(azure_vtpm::PCR)])] },
        Kind::GcpConfidentialSpace => {
            &const {
                [
                    fixing(&[Claim(gcs::CONTAINER_IMAGE_DIGEST), Claim(gcs::CONTAINER_CMD_OVERRIDE)]),
                    loose(&[Claim(gcs::CONTAINER_IMAGE_DIGEST)]),
                    loose(&[Claim(cross_vendor::MEASUREMENT)]),
                ]
            }
        }
        Kind::AzureMaa => {
            &const {
                [
                    fixing(&[Claim(maa::SGX_MRENCLAVE)]),
                    loose(&[Claim(maa::SEVSNPVM_LAUNCHMEASUREMENT)]),
                    loose(&[Claim(maa::TDX_MRTD)]),
                    loose(&[Claim(cross_vendor::MEASUREMENT)]),
                ]
            }
        }
        Kind::IntelTrustAuthority => {
            &const {
                [
                    fixing(&[Claim(ita::SGX_MRENCLAVE)]),
                    loose(&[Claim(ita::TDX_MRTD)]),
                    loose(&[Claim(cross_vendor::MEASUREMENT)]),
                ]
            }
        }
        _ => &const { [loose(&[Claim(cross_vendor::MEASUREMENT)])] },
    }
}

/// The claims of which one says whose paravisor the registers come from, where there is one. The hardware vouches for these
/// alone: registers are the word of whatever the hardware measured.
const fn paravisor_pins(kind: Kind) -> &'static [ClaimId] {
    match kind {
        Kind::AzureSnpVtpm => {
            &[cross_vendor::MEASUREMENT, snp::MEASUREMENT, snp::ID_KEY_DIGEST, snp::AUTHOR_KEY_DIGEST]
        }
        Kind::AzureTdxVtpm => &[cross_vendor::MEASUREMENT, tdx::MRTD],
        _ => &[],
    }
}

/// Adds the findings.
pub(super) fn lint(terms: &Terms, at: Timestamp, findings: &mut Vec<Finding>) {
    for platform in &terms.platforms {
        if let Some(primary) = platform.primary {
            image(terms, platform, primary, at, findings);
            let pins = paravisor_pins(primary);
            let is_pin = |rule: &Rule| rule.operator().pins() && pins.iter().any(|&claim| is_on(rule, claim.into()));
            if !pins.is_empty() && !demands(terms, platform, at, is_pin) {
                findings.push(Finding::of(LintCode::ParavisorUnpinned).about_platform(platform));
            }
        }
        let names_role = |rule: &Rule| is_on(rule, nitro::PCR.at(3));
        if primary_is(platform, Kind::AwsNitro) && !demands(terms, platform, at, names_role) {
            findings.push(Finding::of(LintCode::RoleUnpinned).about_platform(platform));
        }
        sample_nonce(terms, platform, at, findings);
    }
    let own = terms.platforms.iter().flat_map(|platform| platform.rules.iter().map(move |rule| (rule, Some(platform))));
    for (rule, platform) in terms.rules.iter().map(|rule| (rule, None)).chain(own) {
        zero_register(terms, rule, platform, at, findings);
        if rule.operator().pins() && is_on(rule, nitro::PCR.at(4)) {
            findings.push(Finding::of(LintCode::InstancePinned).about_rule(rule));
        }
    }
}

/// Whether the image is pinned, and what it executes.
fn image(terms: &Terms, platform: &Platform, primary: Kind, at: Timestamp, findings: &mut Vec<Finding>) {
    let is_pinned = |claim: &Pinned| {
        let is_pin = |rule: &Rule| match (*claim, rule.claim()) {
            (_, ClaimPattern::EveryDevice(_)) => false,
            (Claim(id), ClaimPattern::One(name)) => name == id.into(),
            (Register(id, register), ClaimPattern::One(name)) => name == id.at(register),
            (AnyRegister(id), ClaimPattern::One(name)) => name.id() == id,
        };
        demands(terms, platform, at, |rule| rule.operator().pins() && is_pin(rule))
    };
    let met: Vec<_> = image_pins(primary).iter().filter(|pin| pin.claims.iter().all(is_pinned)).collect();
    if met.is_empty() {
        let message = format!("No rule says which image the platform `{}` ({primary}) may run.", platform.name());
        findings.push(Finding::with(LintCode::ImageUnpinned, message).about_platform(platform));
    }
    if !met.iter().any(|pin| pin.fixes_what_runs) && !is_pinned(&Claim(job::EXECUTABLE_SHA384)) {
        findings.push(Finding::of(LintCode::ExecutableUnpinned).about_platform(platform));
    }
}

/// Whether a register of zeros is accepted where zeros mean a debug enclave. (PCR12 of a NitroTPM is zero when all is
/// well, and PCR3 where there is no role.)
fn zero_register(terms: &Terms, rule: &Rule, platform: Option<&Platform>, at: Timestamp, findings: &mut Vec<Finding>) {
    let is_image_register = [0, 1, 2, 8].into_iter().any(|register| is_on(rule, nitro::PCR.at(register)));
    let mut platforms = platform.map_or(&*terms.platforms, std::slice::from_ref).iter();
    let is_enclave_measurement =
        is_on(rule, cross_vendor::MEASUREMENT.into()) && platforms.any(|platform| primary_is(platform, Kind::AwsNitro));
    if !rule.operator().pins() || !(is_image_register || is_enclave_measurement) {
        return;
    }
    let zero = Value::from([0_u8; 48].as_slice());
    let accepts_zero = match &rule.operand {
        Operand::One(value) => value.is_same(&zero),
        Operand::Many { values, .. } => {
            values.written().any(|entry| !entry.window.is_retired(at) && entry.value.is_same(&zero))
        }
    };
    if accepts_zero {
        let message =
            format!("The rule `{}` accepts a `{}` of zeros, which every debug enclave has.", rule.id(), rule.claim());
        findings.push(Finding::with(LintCode::ZeroPcr, message).about_rule(rule));
    }
}

/// Whether every GPU must show that its nonce is no vendor's sample.
fn sample_nonce(terms: &Terms, platform: &Platform, at: Timestamp, findings: &mut Vec<Finding>) {
    let has_gpus = platform.devices.iter().any(|range| matches!(range.kind, Kind::NvidiaGpu | Kind::NvidiaNras));
    let refuses = |rule: &Rule| {
        rule.claim() == ClaimPattern::EveryDevice(gpu::SAMPLE_NONCE.device(0))
            && match (&rule.operand, rule.operator()) {
                (Operand::One(value), Operator::Equals) => *value == Value::Bool(false),
                (Operand::Many { values, .. }, Operator::In) => values.written().all(|e| e.value == Value::Bool(false)),
                (Operand::Many { values, .. }, Operator::NotIn) => {
                    values.written().any(|e| e.value == Value::Bool(true))
                }
                _ => false,
            }
    };
    if has_gpus && !demands(terms, platform, at, refuses) {
        findings.push(Finding::of(LintCode::SampleNonceAllowed).about_platform(platform));
    }
}

/// Whether a rule is about that one claim.
fn is_on(rule: &Rule, name: ClaimName) -> bool {
    rule.claim() == ClaimPattern::One(name)
}

/// Whether a platform's CPU evidence is of that kind.
fn primary_is(platform: &Platform, kind: Kind) -> bool {
    platform.primary == Some(kind)
}
