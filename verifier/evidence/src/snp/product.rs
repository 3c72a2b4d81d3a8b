//! AMD's product lines: which CPUs belong to which, what their certificates are called, and how they write patch levels.
//!
//! In: family and model of a report (from version 3 on), or the common names of its certificates. Out: a
//! [`ProductLine`]. Sources: AMD 57230 (VCEK certificate and KDS interface) and 56860 (SEV-SNP firmware ABI).

use std::{fmt, ops::RangeInclusive};

/// A product line with an AMD root key of its own.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ProductLine {
    /// Zen 3 (EPYC 7003).
    Milan,
    /// Zen 4 (EPYC 9004), and Bergamo and Siena, whose CPUs have Zen 4c cores and the same root key.
    Genoa,
    /// Zen 5 (EPYC 9005).
    Turin,
}

/// Families and models of each line (CPUID Fn0000_0001, extended values added).
const MODELS: &[(u8, RangeInclusive<u8>, ProductLine)] = &[
    (0x19, 0x00..=0x0F, ProductLine::Milan),
    (0x19, 0x10..=0x1F, ProductLine::Genoa),
    (0x19, 0xA0..=0xAF, ProductLine::Genoa),
    (0x1A, 0x00..=0x1F, ProductLine::Turin),
];

/// How the eight bytes of a TCB version are assigned, and how long chip ids are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Generation {
    /// `structVersion` 0: chip ids of 64 bytes.
    First,
    /// `structVersion` 1: a level more, for the FMC, and chip ids of 8 bytes.
    Second,
}

impl ProductLine {
    /// Every line.
    pub const ALL: [Self; 3] = [Self::Milan, Self::Genoa, Self::Turin];

    /// The line of a CPU.
    pub(crate) fn of_cpu(family: u8, model: u8) -> Option<Self> {
        MODELS.iter().find(|(known, models, _)| *known == family && models.contains(&model)).map(|(_, _, line)| *line)
    }

    /// The line of that name.
    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|line| line.as_str() == name)
    }

    /// The line whose root key has that common name: `ARK-Milan`.
    pub(crate) fn of_root(common_name: &str) -> Option<Self> {
        common_name.strip_prefix("ARK-").and_then(Self::of_name)
    }

    /// The line, and the kind of leaf, that an issuer of that common name issues: `SEV-Milan` (ASK) issues VCEKs, and
    /// `SEV-VLEK-Milan` (ASVK) issues VLEKs.
    pub(crate) fn of_issuer(common_name: &str) -> Option<(Self, KeyKind)> {
        let name = common_name.strip_prefix("SEV-")?;
        match name.strip_prefix("VLEK-") {
            Some(name) => Self::of_name(name).map(|line| (line, KeyKind::Vlek)),
            None => Self::of_name(name).map(|line| (line, KeyKind::Vcek)),
        }
    }

    /// Whether a certificate's `productName` belongs to the line. A stepping may follow (`Milan-B0`), which says nothing:
    /// parts of stepping B1 have it too.
    pub(crate) fn has_product_name(self, product_name: &str) -> bool {
        product_name.split('-').next() == Some(self.as_str())
    }

    /// The line's generation.
    pub(crate) const fn generation(self) -> Generation {
        match self {
            Self::Milan | Self::Genoa => Generation::First,
            Self::Turin => Generation::Second,
        }
    }

    /// The line's name, as AMD spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Milan => "Milan",
            Self::Genoa => "Genoa",
            Self::Turin => "Turin",
        }
    }
}

impl fmt::Display for ProductLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Generation {
    /// `structVersion` of certificates.
    pub(crate) const fn struct_version(self) -> u8 {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }

    /// The bytes of a chip id.
    pub(crate) const fn chip_id_bytes(self) -> usize {
        match self {
            Self::First => 64,
            Self::Second => 8,
        }
    }
}

/// Which key signs reports.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum KeyKind {
    /// The versioned chip endorsement key, which belongs to one chip.
    Vcek,
    /// The versioned loaded endorsement key, which belongs to one cloud.
    Vlek,
}

impl KeyKind {
    /// The kind of a certificate by its subject's common name.
    pub(crate) fn of_leaf(common_name: &str) -> Option<Self> {
        match common_name {
            "SEV-VCEK" => Some(Self::Vcek),
            "SEV-VLEK" => Some(Self::Vlek),
            _ => None,
        }
    }

    /// As in the claim `snp.signing_key`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vcek => "vcek",
            Self::Vlek => "vlek",
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyKind, ProductLine};

    #[test]
    fn cpus_belong_to_their_lines_to_the_last_model() {
        for (family, model, line) in [
            (0x19, 0x01, Some(ProductLine::Milan)),
            (0x19, 0x11, Some(ProductLine::Genoa)),
            (0x19, 0xA0, Some(ProductLine::Genoa)),
            (0x19, 0xAF, Some(ProductLine::Genoa)),
            (0x19, 0xB0, None),
            (0x19, 0x20, None),
            (0x1A, 0x02, Some(ProductLine::Turin)),
            (0x1A, 0x11, Some(ProductLine::Turin)),
            (0x1A, 0x50, None),
            (0x17, 0x01, None),
        ] {
            assert_eq!(ProductLine::of_cpu(family, model), line, "{family:#x}/{model:#x}");
        }
    }

    #[test]
    fn names_are_exact() {
        assert_eq!(ProductLine::of_issuer("SEV-Genoa"), Some((ProductLine::Genoa, KeyKind::Vcek)));
        assert_eq!(ProductLine::of_issuer("SEV-VLEK-Turin"), Some((ProductLine::Turin, KeyKind::Vlek)));
        assert_eq!(ProductLine::of_root("ARK-Milan"), Some(ProductLine::Milan));
        for other in ["SEV-", "SEV-VLEK-", "SEV-milan", "SEV-Milan-B0", "ARK-Milan", "SEV-VCEK", "Milan"] {
            assert_eq!(ProductLine::of_issuer(other), None, "{other}");
        }
        assert!(ProductLine::Milan.has_product_name("Milan-B0") && ProductLine::Milan.has_product_name("Milan"));
        assert!(!ProductLine::Milan.has_product_name("Milano") && !ProductLine::Milan.has_product_name("Genoa"));
    }
}
