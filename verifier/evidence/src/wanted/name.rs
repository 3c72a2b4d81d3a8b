//! The names of what is wanted: one word each, which files, manifests and logs use. `amd-genoa-vcek-chain`,
//! `amd-milan-vcek-<chip id>-<TCB version>`, `intel-tdx-tcb-info-<FMSPC>`. A TCB version is its levels, in the order in
//! which AMD's second generation has them, each in decimal: `4.0.29.222`, `1.3.2.5.97`. Key sets are called after their
//! issuers: `nvidia-nras-keys`, `azure-maa-keys-sharedweu.weu`.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{TokenIssuer, Wanted};
use crate::{
    intel::{IntelCa, Tee},
    maa,
    nvidia::rim::service::is_id as is_rim_id,
    snp::{Generation, KeyKind, ProductLine, TcbVersion},
};

/// The longest name: two digests of 48 bytes and a serial number of 20, or a line, a chip id of 64 and a TCB version of five
/// levels.
pub const MAX_NAME_BYTES: usize = 192;

/// A text that is no name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidName;

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the name of an endorsement that vendors publish")
    }
}

impl std::error::Error for InvalidName {}

fn tee_name(tee: Tee) -> String {
    tee.as_str().to_ascii_lowercase()
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |product: &ProductLine| product.as_str().to_ascii_lowercase();
        match self {
            Self::AmdVcek { product, chip_id, tcb } => {
                write!(f, "amd-{}-vcek-{}-", line(product), hex::encode(chip_id))?;
                for (place, (_, level)) in tcb.levels().enumerate() {
                    write!(f, "{}{level}", if place == 0 { "" } else { "." })?;
                }
                Ok(())
            }
            Self::AmdCaChain { product, key } => write!(f, "amd-{}-{key}-chain", line(product)),
            Self::AmdCrl { product, key } => write!(f, "amd-{}-{key}-crl", line(product)),
            Self::IntelTcbInfo { tee, fmspc } => {
                write!(f, "intel-{}-tcb-info-{}", tee_name(*tee), hex::encode(fmspc))
            }
            Self::IntelQeIdentity { tee } => write!(f, "intel-{}-qe-identity", tee_name(*tee)),
            Self::IntelPckCrl { ca } => write!(f, "intel-pck-{ca}-crl"),
            Self::IntelRootCrl => f.write_str("intel-root-crl"),
            Self::NvidiaRim { id } => write!(f, "nvidia-rim-{id}"),
            Self::NvidiaStatus { issuer_name, issuer_key, serial } => {
                let [name, key] = [issuer_name, issuer_key].map(|digest| URL_SAFE_NO_PAD.encode(digest.as_slice()));
                write!(f, "nvidia-status-{name}-{key}-{}", hex::encode(serial))
            }
            Self::KeySet { issuer: TokenIssuer::AzureMaa { provider } } => write!(f, "{AZURE_MAA}{provider}"),
            Self::KeySet { issuer: TokenIssuer::ConfidentialSpace } => f.write_str(CONFIDENTIAL_SPACE),
            Self::KeySet { issuer: TokenIssuer::NvidiaNras } => f.write_str(NVIDIA_NRAS),
            Self::KeySet { issuer: TokenIssuer::TrustAuthority } => f.write_str(TRUST_AUTHORITY),
            Self::KeySet { issuer: TokenIssuer::TrustAuthorityEu } => f.write_str(TRUST_AUTHORITY_EU),
        }
    }
}

impl FromStr for Wanted {
    type Err = InvalidName;

    /// Reads a name. Each has one spelling.
    fn from_str(name: &str) -> Result<Self, InvalidName> {
        if name.len() > MAX_NAME_BYTES {
            return Err(InvalidName);
        }
        let read = token_issuer(name).map(|issuer| Wanted::KeySet { issuer });
        let read = read.or_else(|| match name.split_once('-')? {
            ("amd", rest) => amd(rest),
            ("intel", rest) => intel(rest),
            ("nvidia", rest) => nvidia(rest),
            _ => None,
        });
        read.filter(|wanted| wanted.to_string() == name).ok_or(InvalidName)
    }
}

const AZURE_MAA: &str = "azure-maa-keys-";
const CONFIDENTIAL_SPACE: &str = "google-confidential-space-keys";
const NVIDIA_NRAS: &str = "nvidia-nras-keys";
const TRUST_AUTHORITY: &str = "intel-trust-authority-keys";
const TRUST_AUTHORITY_EU: &str = "intel-trust-authority-eu-keys";

fn token_issuer(name: &str) -> Option<TokenIssuer> {
    match name {
        CONFIDENTIAL_SPACE => Some(TokenIssuer::ConfidentialSpace),
        NVIDIA_NRAS => Some(TokenIssuer::NvidiaNras),
        TRUST_AUTHORITY => Some(TokenIssuer::TrustAuthority),
        TRUST_AUTHORITY_EU => Some(TokenIssuer::TrustAuthorityEu),
        _ => {
            let provider = maa::Issuer::read(&maa::Issuer::url_of(name.strip_prefix(AZURE_MAA)?)).ok()?;
            Some(TokenIssuer::AzureMaa { provider: provider.provider().into() })
        }
    }
}

fn amd(rest: &str) -> Option<Wanted> {
    let mut parts = rest.split('-');
    let (line, key, third, fourth) = (parts.next()?, parts.next()?, parts.next()?, parts.next());
    let product = ProductLine::ALL.into_iter().find(|product| product.as_str().eq_ignore_ascii_case(line))?;
    let key = [KeyKind::Vcek, KeyKind::Vlek].into_iter().find(|kind| kind.as_str() == key)?;
    match (third, fourth, parts.next()) {
        ("chain", None, None) => Some(Wanted::AmdCaChain { product, key }),
        ("crl", None, None) => Some(Wanted::AmdCrl { product, key }),
        (chip_id, Some(levels), None) if key == KeyKind::Vcek => {
            let chip_id = hex::decode(chip_id).ok().filter(|id| id.len() == product.generation().chip_id_bytes())?;
            Some(Wanted::AmdVcek { product, chip_id: chip_id.into(), tcb: tcb(product, levels)? })
        }
        _ => None,
    }
}

fn tcb(product: ProductLine, levels: &str) -> Option<TcbVersion> {
    let levels: Vec<u8> = levels.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    let (fmc, rest) = match product.generation() {
        Generation::First => (None, levels.as_slice()),
        Generation::Second => levels.split_first().map(|(fmc, rest)| (Some(*fmc), rest))?,
    };
    let [bootloader, tee, snp, microcode] = *rest else { return None };
    Some(TcbVersion { fmc, bootloader, tee, snp, microcode })
}

fn intel(rest: &str) -> Option<Wanted> {
    let ca = |ca: IntelCa| (rest == format!("pck-{ca}-crl")).then_some(Wanted::IntelPckCrl { ca });
    let list = [IntelCa::Platform, IntelCa::Processor].into_iter().find_map(ca);
    if rest == "root-crl" || list.is_some() {
        return Some(list.unwrap_or(Wanted::IntelRootCrl));
    }
    let (name, rest) = rest.split_once('-')?;
    let tee = [Tee::Sgx, Tee::Tdx].into_iter().find(|tee| tee_name(*tee) == name)?;
    match rest.strip_prefix("tcb-info-") {
        Some(fmspc) => {
            let mut bytes = [0; 6];
            hex::decode_to_slice(fmspc, &mut bytes).ok()?;
            Some(Wanted::IntelTcbInfo { tee, fmspc: bytes })
        }
        None => (rest == "qe-identity").then_some(Wanted::IntelQeIdentity { tee }),
    }
}

/// `rim-NV_GPU_DRIVER_GH100_550.144.03`, or `status` and the digests of the issuer's name and key, whose base64url has 64
/// digits each and may have hyphens among them.
fn nvidia(rest: &str) -> Option<Wanted> {
    if let Some(id) = rest.strip_prefix("rim-") {
        return is_rim_id(id).then(|| Wanted::NvidiaRim { id: id.into() });
    }
    let (issuer_name, rest) = digest(rest.strip_prefix("status-")?)?;
    let (issuer_key, serial) = digest(rest)?;
    let serial = hex::decode(serial).ok().filter(|serial| (1..=MAX_SERIAL).contains(&serial.len()))?;
    Some(Wanted::NvidiaStatus { issuer_name, issuer_key, serial: serial.into() })
}

/// A digest in base64url, and what follows its hyphen.
fn digest(text: &str) -> Option<(Box<[u8; 48]>, &str)> {
    let (digits, rest) = text.split_at_checked(64)?;
    let bytes = URL_SAFE_NO_PAD.decode(digits).ok()?;
    Some((Box::new(bytes.try_into().ok()?), rest.strip_prefix('-')?))
}

/// RFC 5280, section 4.1.2.2.
const MAX_SERIAL: usize = 20;

#[cfg(test)]
mod tests {
    use super::{InvalidName, MAX_NAME_BYTES, Wanted};

    #[test]
    fn each_name_has_one_spelling() {
        let chip = "ab".repeat(64);
        for name in [
            &format!("amd-milan-vcek-{chip}-4.0.29.222"),
            "amd-turin-vcek-0102030405060708-1.3.2.5.97",
            "amd-genoa-vcek-chain",
            "amd-genoa-vlek-chain",
            "amd-turin-vlek-crl",
            "intel-tdx-tcb-info-90c06f000000",
            "intel-sgx-tcb-info-00606a000000",
            "intel-tdx-qe-identity",
            "intel-pck-platform-crl",
            "intel-pck-processor-crl",
            "intel-root-crl",
            "nvidia-rim-NV_GPU_DRIVER_GH100_550.144.03",
            &format!("nvidia-status-{}-{}-01ab", "-".repeat(64), "_".repeat(64)),
            "google-confidential-space-keys",
            "nvidia-nras-keys",
            "intel-trust-authority-keys",
            "intel-trust-authority-eu-keys",
            "azure-maa-keys-sharedweu.weu",
            &format!("azure-maa-keys-{}.{}", "a".repeat(63), "b".repeat(63)),
            &format!("nvidia-status-{}-{}-{}", "A".repeat(64), "9".repeat(64), "7f".repeat(20)),
        ] {
            assert!(name.len() <= MAX_NAME_BYTES);
            assert_eq!(name.parse::<Wanted>().map(|wanted| wanted.to_string()).as_deref(), Ok(name));
        }
        for other in [
            "",
            "amd",
            "amd-Milan-vcek-crl",
            "amd-milan-vcek",
            "amd-milan-vcek-crl-",
            "amd-venice-vcek-crl",
            "amd-milan-vlek-0102030405060708-1.3.2.5.97",
            "amd-milan-vcek-0102030405060708-1.2.3.4",
            "amd-turin-vcek-0102030405060708-3.2.5.97",
            "amd-turin-vcek-0102030405060708-1.3.2.5.097",
            "amd-turin-vcek-0102030405060708-1.3.2.5.256",
            "amd-turin-vcek-010203040506070A-1.3.2.5.97",
            "intel-tdx-tcb-info-90C06F000000",
            "intel-tdx-tcb-info-90c06f0000",
            "intel-pck-root-crl",
            "intel-qe-identity",
            "nvidia-root-crl",
            "google-keys",
            "azure-maa-keys-",
            "azure-maa-keys-weu",
            "azure-maa-keys-a.b.c",
            "azure-maa-keys-Shared.weu",
            "azure-maa-keys-a.b/../x",
            "azure-maa-keys-a.b.attest.azure.net/",
            &"a".repeat(MAX_NAME_BYTES + 1),
        ] {
            assert_eq!(other.parse::<Wanted>(), Err(InvalidName), "{other}");
        }
    }
}
