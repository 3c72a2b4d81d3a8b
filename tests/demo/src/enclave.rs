//! The simulated hardware: what the agent asks where it would ask the Nitro Secure Module, or a guest's device. The shipped
//! agent knows devices only and cannot do this. Variable SIMULATED_ENCLAVE says what machine the agent believes to run in; in
//! earnest that is the hypervisor's doing, and no program inside has a say.

use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use prooftrail_protocol::KindValue;
use prooftrail_prover_agent::collect::{CollectError, Collector, Collectors};
use prooftrail_result::Kind;
use prooftrail_simulator::{
    cbor::Item,
    intel::Vendor,
    nitro::Hypervisor,
    snp::{Entry, Line, Platform, Report, certificate_table},
};

use crate::attached;

/// The variable's name.
pub(crate) const VARIABLE: &str = "SIMULATED_ENCLAVE";

/// The same image, started in debug mode.
pub(crate) const DEBUG: &str = "debug";

/// Another image, on the same hardware.
pub(crate) const OTHER_IMAGE: &str = "other-image";

/// An SEV-SNP guest instead.
pub(crate) const SEV_SNP: &str = "sev-snp";

/// A trust domain instead.
pub(crate) const TDX: &str = "tdx";

/// That trust domain, started in debug mode.
pub(crate) const TDX_DEBUG: &str = "tdx-debug";

/// The hypervisor of the demo.
pub(crate) fn hypervisor() -> Hypervisor {
    Hypervisor::new("demo")
}

/// PCR0 of the approved image, in hexadecimal.
pub(crate) fn approved_pcr0() -> anyhow::Result<String> {
    let mut document = hypervisor().document(now_ms());
    let pcr0 = document.pcrs_mut().iter().find_map(|(index, value)| match (index, value) {
        (Item::Unsigned(0), Item::Bytes(pcr0)) => Some(hex::encode(pcr0)),
        _ => None,
    });
    pcr0.context("every document has PCR0")
}

/// The SEV-SNP machine of the demo.
pub(crate) fn platform() -> Platform {
    Platform::new("demo", Line::Genoa)
}

/// Intel, and a platform of Intel's.
pub(crate) fn vendor() -> anyhow::Result<Vendor> {
    Ok(Vendor::new("demo", period()?))
}

/// When the vendors published what they publish: the same for service and agents, and still in force.
pub(crate) fn period() -> anyhow::Result<i64> {
    const TEN_DAYS: i64 = 10 * 24 * 3600;
    let now = i64::try_from(now_ms() / 1000)?;
    Ok(now - now.rem_euclid(TEN_DAYS))
}

/// The devices of the simulated machine.
#[expect(clippy::disallowed_methods, reason = "the edge: which machine is simulated")]
pub(crate) fn collectors() -> Collectors {
    let kind = env::var(VARIABLE).unwrap_or_default();
    if let Some(collectors) = attached::collectors(&kind) {
        return collectors;
    }
    let primary: Box<dyn Collector> = match kind.as_str() {
        SEV_SNP => Box::new(Guest),
        TDX | TDX_DEBUG => Box::new(TrustDomain { debug: kind == TDX_DEBUG }),
        _ => Box::new(Enclave { kind }),
    };
    Collectors { primary: Some(primary), others: Vec::new() }
}

struct Enclave {
    kind: String,
}

impl Collector for Enclave {
    fn kind(&self) -> Kind {
        Kind::AwsNitro
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::NitroFields { nonce, public_key, user_data } = value else {
            return Err(CollectError::Value(self.kind()));
        };
        let hypervisor = match self.kind.as_str() {
            OTHER_IMAGE => hypervisor().image("another image"),
            _ => hypervisor(),
        };
        let mut document = hypervisor.document(now_ms());
        document.nonce(&nonce.0).public_key(public_key).user_data(user_data);
        if self.kind == DEBUG {
            document.debug();
        }
        Ok(document.build())
    }
}

/// An SEV-SNP guest, whose host hands it the certificates of its chip.
struct Guest;

impl Collector for Guest {
    fn kind(&self) -> Kind {
        Kind::AmdSevSnp
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::ReportData(report_data) = value else { return Err(CollectError::Value(self.kind())) };
        let platform = platform();
        let report = Report { report_data: *report_data, ..platform.report() };
        let at = period().map_err(|error| CollectError::Device { kind: self.kind(), reason: error.to_string() })?;
        let vcek = platform.vcek(&report, at);
        let [vcek_der, ask_der] = platform.vcek_chain(&vcek);
        let table = certificate_table(&[(Entry::Vcek, &vcek_der), (Entry::Ask, &ask_der)]);
        Ok([report.build(&vcek.key), table].concat())
    }
}

/// A trust domain.
#[derive(Default)]
pub(crate) struct TrustDomain {
    debug: bool,
}

impl Collector for TrustDomain {
    fn kind(&self) -> Kind {
        Kind::IntelTdx
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::ReportData(report_data) = value else { return Err(CollectError::Value(self.kind())) };
        let vendor = vendor().map_err(|error| CollectError::Device { kind: self.kind(), reason: error.to_string() })?;
        let mut quote = vendor.td_quote();
        let domain = quote.td_mut();
        domain.report_data = *report_data;
        if self.debug {
            domain.td_attributes[0] |= 1;
        }
        Ok(quote.build())
    }
}

/// The launch measurements of the approved SEV-SNP guest and trust domain, in hexadecimal.
pub(crate) fn approved_machines() -> anyhow::Result<[String; 2]> {
    Ok([hex::encode(platform().report().measurement), hex::encode(vendor()?.td_quote().td_mut().mrtd)])
}

#[expect(clippy::disallowed_methods, reason = "a hypervisor has a clock")]
pub(crate) fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
