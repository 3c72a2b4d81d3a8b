//! GPUs in a token of Intel Trust Authority: the verdicts of NVIDIA's service, copied.
//!
//! In: the section `nvgpu` of a token that is authentic. Out: claims `gpu.<n>.`, and every reason why the verdict is no pass.
//! That Intel signed the token says that this was the verdict, not that it was a good one: what is not said to have passed has
//! not.

use prooftrail_result::{
    Reason, ReasonCode,
    claims::{ClaimId, Claims, cross_vendor, gpu},
};

use crate::{
    authentic::Link,
    jose::members::{claim_all, flag, text},
    json::{Node, Object},
};

/// The bytes of a device's nonce.
pub(super) const NONCE_BYTES: usize = 32;
/// No machine has more devices.
const MAX_DEVICES: usize = 64;

/// Members about a device.
const DEVICE: &[(&str, ClaimId)] = &[
    ("hwmodel", gpu::HWMODEL),
    ("ueid", gpu::UEID),
    ("oemid", gpu::OEMID),
    ("secboot", gpu::SECBOOT),
    ("dbgstat", gpu::DBGSTAT),
    ("x-nvidia-gpu-driver-version", gpu::DRIVER_VERSION),
    ("x-nvidia-gpu-vbios-version", gpu::VBIOS_VERSION),
    ("x-nvidia-gpu-arch", gpu::ARCH),
];

/// What a token says of a device.
#[derive(Debug)]
struct Device {
    /// As device 0.
    claims: Claims,
    measres: Option<String>,
    eat_nonce: Option<String>,
    ueid: Option<String>,
    overall: Option<bool>,
}

impl Device {
    fn read(members: &Object<'_>) -> Result<Self, Reason> {
        let mut claims = Claims::with_capacity(DEVICE.len() + 2);
        claims.insert(gpu::VERIFIED_BY, "ita");
        claim_all(&mut claims, members, DEVICE)?;
        let own = |name: &str| Ok::<_, Reason>(text(members, name)?.map(str::to_owned));
        let overall = flag(members, "x-nvidia-overall-att-result")?;
        Ok(Self { claims, measres: own("measres")?, eat_nonce: own("eat_nonce")?, ueid: own("ueid")?, overall })
    }
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
    pub(super) fn read(section: &Object<'_>) -> Result<Self, Reason> {
        let malformed = |why: String| Reason::new(ReasonCode::TokenMalformed, why);
        let named = section.iter().filter_map(|(name, node)| Some((name.strip_prefix("GPU-")?.parse().ok()?, node)));
        let mut named: Vec<(u16, &Node<'_>)> = named.collect();
        named.sort_by_key(|(number, _)| *number);
        if named.len() > MAX_DEVICES {
            return Err(malformed(format!("the token speaks of more than {MAX_DEVICES} GPUs")));
        }
        let whole = Device::read(section)?;
        let (overall, eat_nonce) = (whole.overall, whole.eat_nonce.clone());
        let device = |(number, node): &(u16, &Node<'_>)| match node.as_object() {
            Some(members) => Device::read(members),
            None => Err(malformed(format!("GPU {number} of the token is no object"))),
        };
        let devices = match named.as_slice() {
            [] => vec![whole],
            named => named.iter().map(device).collect::<Result<_, _>>()?,
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
            for (name, value) in device.claims.iter() {
                claims.insert(name.with_device(number), value.clone());
            }
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
