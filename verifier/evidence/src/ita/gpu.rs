//! GPUs in a token of Intel Trust Authority: the verdicts of NVIDIA's service, copied.
//!
//! In: the section `nvgpu` of a token that is authentic. Out: claims `gpu.<n>.`, and every reason why the verdict is no pass.
//! That Intel signed the token says that this was the verdict, not that it was a good one: what is not said to have passed has
//! not.

use prooftrail_result::{
    Reason, ReasonCode,
    claims::{Claims, cross_vendor, gpu},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::authentic::Link;

/// The bytes of a device's nonce.
pub(super) const NONCE_BYTES: usize = 32;
/// No machine has more devices.
const MAX_DEVICES: usize = 64;

/// What a token says of a device.
#[derive(Debug, Deserialize)]
struct Device {
    measres: Option<String>,
    eat_nonce: Option<String>,
    hwmodel: Option<String>,
    ueid: Option<String>,
    oemid: Option<String>,
    secboot: Option<bool>,
    dbgstat: Option<String>,
    #[serde(rename = "x-nvidia-gpu-driver-version")]
    driver_version: Option<String>,
    #[serde(rename = "x-nvidia-gpu-vbios-version")]
    vbios_version: Option<String>,
    #[serde(rename = "x-nvidia-gpu-arch")]
    arch: Option<String>,
    #[serde(rename = "x-nvidia-overall-att-result")]
    overall: Option<bool>,
}

/// The devices of a token.
#[derive(Debug)]
pub(super) struct Devices {
    devices: Vec<Device>,
    overall: Option<bool>,
    eat_nonce: Option<String>,
}

impl Devices {
    /// Reads the section: one device, or an object with one for each (`GPU-0`, `GPU-1`, …), in the order of their numbers.
    pub(super) fn read(section: &Map<String, Value>) -> Result<Self, Reason> {
        let malformed = |why: String| Reason::new(ReasonCode::TokenMalformed, why);
        let device = |members: &Value| {
            Device::deserialize(members).map_err(|error| malformed(format!("a GPU's claims cannot be read: {error}")))
        };
        let mut named: Vec<(u16, &Value)> = section
            .iter()
            .filter_map(|(name, members)| Some((name.strip_prefix("GPU-")?.parse().ok()?, members)))
            .collect();
        named.sort_by_key(|(number, _)| *number);
        if named.len() > MAX_DEVICES {
            return Err(malformed(format!("the token speaks of more than {MAX_DEVICES} GPUs")));
        }
        let whole = device(&Value::Object(section.clone()))?;
        let (overall, eat_nonce) = (whole.overall, whole.eat_nonce.clone());
        let devices = match named.as_slice() {
            [] => vec![whole],
            named => named.iter().map(|(_, members)| device(members)).collect::<Result<_, _>>()?,
        };
        Ok(Self { devices, overall, eat_nonce })
    }

    /// Every nonce that a device was asked with.
    pub(super) fn nonces(&self) -> impl Iterator<Item = &str> {
        self.devices.iter().filter_map(|device| device.eat_nonce.as_deref()).chain(self.eat_nonce.as_deref())
    }

    /// Whether every device says what it was asked with.
    pub(super) fn all_have_nonces(&self) -> bool {
        self.eat_nonce.is_some() || self.devices.iter().all(|device| device.eat_nonce.is_some())
    }

    /// Which devices they are.
    pub(super) fn links(&self) -> impl Iterator<Item = Link> {
        self.devices.iter().filter_map(|device| device.ueid.as_deref()).map(|ueid| Link::Device(ueid.into()))
    }

    /// Claims what is said of them. Gives the reasons why it is no pass.
    pub(super) fn claim(&self, claims: &mut Claims) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let mut passed = 0_usize;
        for (number, device) in (0_u16..).zip(&self.devices) {
            claims.insert(gpu::VERIFIED_BY.device(number), "ita");
            claims.insert_if(gpu::ARCH.device(number), device.arch.as_deref());
            claims.insert_if(gpu::HWMODEL.device(number), device.hwmodel.as_deref());
            claims.insert_if(gpu::UEID.device(number), device.ueid.as_deref());
            claims.insert_if(gpu::OEMID.device(number), device.oemid.as_deref());
            claims.insert_if(gpu::DRIVER_VERSION.device(number), device.driver_version.as_deref());
            claims.insert_if(gpu::VBIOS_VERSION.device(number), device.vbios_version.as_deref());
            claims.insert_if(gpu::SECBOOT.device(number), device.secboot);
            claims.insert_if(gpu::DBGSTAT.device(number), device.dbgstat.as_deref());
            let said = device.measres.as_deref();
            let measres = said.and_then(measres);
            claims.insert_if(gpu::MEASRES.device(number), measres);
            if measres == Some("success") && device.overall != Some(false) {
                passed += 1;
            } else {
                let detail = format!("the token does not say that the measurements of GPU {number} compared well");
                reasons.push(
                    Reason::new(ReasonCode::ItaGpuVerdict, detail).have(said.unwrap_or("nothing")).need("success"),
                );
            }
        }
        if self.overall != Some(true) {
            let have = self.overall.map_or("nothing", |_| "false");
            let detail = "the token does not say that NVIDIA's verdict was good on the whole";
            reasons.push(Reason::new(ReasonCode::ItaGpuVerdict, detail).have(have).need("true"));
        }
        claims.insert_if(cross_vendor::GPU_COUNT, u64::try_from(self.devices.len()).ok());
        claims.insert(cross_vendor::GPU_MEASRES, if passed == self.devices.len() { "success" } else { "fail" });
        reasons
    }
}

/// The verdict on measurements in one spelling; Intel's older tokens say `comparison-…`.
fn measres(said: &str) -> Option<&'static str> {
    match said {
        "success" | "comparison-success" | "comparison-successful" => Some("success"),
        "fail" | "comparison-fail" | "comparison-failed" => Some("fail"),
        _ => None,
    }
}
