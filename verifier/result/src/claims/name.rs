//! Claim names: a line of the dictionary, and the indices that its pattern asks for.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use super::ClaimSpec;

/// The dictionary's families, in the order in which claims are printed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Family {
    /// Names that mean the same for every vendor.
    CrossVendor,
    /// The agent's statement.
    Job,
    /// AWS Nitro Enclaves.
    Nitro,
    /// AWS NitroTPM.
    NitroTpm,
    /// AMD SEV-SNP.
    Snp,
    /// Intel TDX.
    Tdx,
    /// Intel SGX.
    Sgx,
    /// Azure vTPM.
    AzureVtpm,
    /// NVIDIA GPUs.
    Gpu,
    /// NVIDIA NVSwitches.
    Switch,
    /// Google Confidential Space.
    Gcs,
    /// Microsoft Azure Attestation.
    Maa,
    /// NVIDIA Remote Attestation Service.
    Nras,
    /// Intel Trust Authority.
    Ita,
}

impl Family {
    /// Every family, in order.
    pub const ALL: [Self; 14] = [
        Self::CrossVendor,
        Self::Job,
        Self::Nitro,
        Self::NitroTpm,
        Self::Snp,
        Self::Tdx,
        Self::Sgx,
        Self::AzureVtpm,
        Self::Gpu,
        Self::Switch,
        Self::Gcs,
        Self::Maa,
        Self::Nras,
        Self::Ita,
    ];
}

/// A line of the dictionary.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ClaimId {
    family: Family,
    row: u16,
}

impl ClaimId {
    pub(super) const fn new(family: Family, row: u16) -> Self {
        Self { family, row }
    }

    /// The name at register `<i>`.
    #[must_use]
    pub const fn at(self, register: u16) -> ClaimName {
        ClaimName { family: self.family, device: 0, row: self.row, register }
    }

    /// The name for device `<n>`.
    #[must_use]
    pub const fn device(self, device: u16) -> ClaimName {
        ClaimName { family: self.family, device, row: self.row, register: 0 }
    }

    /// The name for device `<n>` at register `<i>`.
    #[must_use]
    pub const fn device_at(self, device: u16, register: u16) -> ClaimName {
        ClaimName { family: self.family, device, row: self.row, register }
    }

    /// Whether the name carries a device index.
    #[must_use]
    pub fn is_per_device(self) -> bool {
        self.spec().pattern.contains("<n>")
    }

    /// The line itself.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "ids are made by the table's own macro, one per line")]
    pub fn spec(self) -> &'static ClaimSpec {
        &self.family.table()[usize::from(self.row)]
    }
}

impl From<ClaimId> for ClaimName {
    fn from(id: ClaimId) -> Self {
        id.at(0)
    }
}

/// A claim's full name. Ordered by family, device, line, register.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ClaimName {
    family: Family,
    device: u16,
    row: u16,
    register: u16,
}

impl ClaimName {
    /// The line of the dictionary.
    #[must_use]
    pub const fn id(self) -> ClaimId {
        ClaimId { family: self.family, row: self.row }
    }

    /// The line itself.
    #[must_use]
    pub fn spec(self) -> &'static ClaimSpec {
        self.id().spec()
    }

    /// The register `<i>`; 0 where the name has none.
    #[must_use]
    pub const fn register(self) -> u16 {
        self.register
    }

    /// The device `<n>`; 0 where the name has none.
    #[must_use]
    pub const fn device_index(self) -> u16 {
        self.device
    }

    /// The dictionary's family.
    #[must_use]
    pub const fn family(self) -> Family {
        self.family
    }

    /// The same name for another device; unchanged where the name has no device.
    #[must_use]
    pub fn with_device(self, device: u16) -> Self {
        if self.id().is_per_device() { Self { device, ..self } } else { self }
    }
}

impl fmt::Display for ClaimName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.spec().pattern;
        while let Some((before, after)) = rest.split_once('<') {
            f.write_str(before)?;
            let (index, after) = after.split_once('>').unwrap_or((after, ""));
            write!(f, "{}", if index == "n" { self.device } else { self.register })?;
            rest = after;
        }
        f.write_str(rest)
    }
}

impl Serialize for ClaimName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for ClaimName {
    type Err = UnknownClaim;

    /// Finds a full name in the dictionary. Indices are decimal without leading zeros.
    fn from_str(text: &str) -> Result<Self, UnknownClaim> {
        let mut lines = Family::ALL.iter().flat_map(|&family| {
            (0u16..).zip(family.table()).map(move |(row, spec)| (ClaimId { family, row }, spec.pattern))
        });
        lines
            .find_map(|(id, pattern)| {
                match_pattern(pattern, text).map(|(device, register)| id.device_at(device, register))
            })
            .ok_or_else(|| UnknownClaim(text.chars().take(128).collect()))
    }
}

/// Matches `text` against a pattern; gives the device and register indices (0 where the pattern has none).
fn match_pattern(mut pattern: &str, mut text: &str) -> Option<(u16, u16)> {
    let (mut device, mut register) = (0, 0);
    while let Some((before, after)) = pattern.split_once('<') {
        text = text.strip_prefix(before)?;
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = text.split_at_checked(digits)?;
        if number.len() > 1 && number.starts_with('0') {
            return None;
        }
        let number = number.parse().ok()?;
        let (index, after) = after.split_once('>')?;
        *(if index == "n" { &mut device } else { &mut register }) = number;
        (pattern, text) = (after, rest);
    }
    (pattern == text).then_some((device, register))
}

/// Text that is no claim's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnknownClaim(String);

impl fmt::Display for UnknownClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a claim; docs/claims.md lists every name", self.0)
    }
}

impl std::error::Error for UnknownClaim {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{super::*, *};

    fn lines() -> impl Iterator<Item = ClaimId> {
        Family::ALL.into_iter().flat_map(|family| {
            (0..u16::try_from(family.table().len()).unwrap()).map(move |row| ClaimId { family, row })
        })
    }

    #[test]
    fn every_name_reads_back_to_its_own_line() {
        for id in lines() {
            let device = if id.is_per_device() { 3 } else { 0 };
            let register = if id.spec().pattern.contains("<i>") { 12 } else { 0 };
            let name = id.device_at(device, register);
            assert_eq!(name.to_string().parse(), Ok(name), "{name}");
        }
    }

    #[test]
    fn no_name_is_a_dotted_prefix_of_another() {
        let names: BTreeSet<_> = lines().map(|id| id.at(0).to_string()).collect();
        assert_eq!(names.len(), lines().count(), "names are unique");
        for name in &names {
            let dotted = format!("{name}.");
            assert!(!names.iter().any(|other| other.starts_with(&dotted)), "{name}");
        }
    }

    #[test]
    fn constants_name_their_own_lines() {
        assert_eq!(nitro::PCR.at(4).to_string(), "nitro.pcr4");
        assert_eq!(nitrotpm::UNKNOWN_FIELDS.at(0).to_string(), "nitrotpm.unknown_fields");
        assert_eq!(gpu::MEASUREMENT.device_at(1, 64).to_string(), "gpu.1.measurement.64");
        assert_eq!(cross_vendor::SIMULATED.at(0).to_string(), "simulated");
    }

    #[test]
    fn only_names_with_a_device_take_another_one() {
        assert_eq!(gpu::MEASUREMENT.device_at(1, 64).with_device(7), gpu::MEASUREMENT.device_at(7, 64));
        assert_eq!(nitro::PCR.at(4).with_device(7), nitro::PCR.at(4));
        assert_eq!(gpu::ARCH.device(1).family(), Family::Gpu);
    }

    #[test]
    fn near_misses_are_unknown() {
        for text in
            ["", "nitro.pcr", "nitro.pcr01", "nitro.pcr+1", "nitro.pcr99999", "nitro.pcr4 ", "gpu.arch", "NITRO.pcr4"]
        {
            assert!(text.parse::<ClaimName>().is_err(), "{text}");
        }
    }
}
