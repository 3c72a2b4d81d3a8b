//! The claim dictionary as data: one file per family, one line per name. docs/claims.md is this table, rendered.
//!
//! Adding a claim is one line here. A pattern's `<n>` is a device index, `<i>` a register number, both decimal.

pub mod azure_vtpm;
pub mod cross_vendor;
pub mod gcs;
pub mod gpu;
pub mod ita;
pub mod job;
pub mod maa;
pub mod nitro;
pub mod nitrotpm;
pub mod nras;
pub mod sgx;
pub mod snp;
pub mod switch;
pub mod tdx;

use super::{ClaimType, Family};

/// One line of the dictionary.
#[derive(Debug)]
pub struct ClaimSpec {
    /// The name, with `<n>` and `<i>` where indices stand.
    pub pattern: &'static str,
    /// The type of its value.
    pub claim_type: ClaimType,
    /// What it means.
    pub meaning: &'static str,
    /// The field, certificate or computation it comes from.
    pub source: &'static str,
}

/// Declares one family: its constants (`nitro::PCR`) and its lines, in one order.
macro_rules! claims {
    ($family:ident; $($name:ident = $pattern:literal, $type:ident $(($len:literal))?, $meaning:literal, $source:literal;)*) => {
        use super::ClaimSpec;
        use crate::claims::{ClaimId, ClaimType, Family};

        /// The family's lines, in the order in which they are printed.
        pub static TABLE: &[ClaimSpec] = &[$(ClaimSpec {
            pattern: $pattern,
            claim_type: ClaimType::$type $(($len))?,
            meaning: $meaning,
            source: $source,
        },)*];

        /// Rows by name, so that a constant's number is its place in the table.
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "the rows share the constants' names")]
        enum Row { $($name,)* }

        $(
            #[allow(rustdoc::invalid_html_tags, reason = "`<n>` and `<i>` are indices, not tags")]
            #[doc = concat!("`", $pattern, "`: ", $meaning)]
            pub const $name: ClaimId = ClaimId::new(Family::$family, Row::$name as u16);
        )*
    };
}
pub(crate) use claims;

impl Family {
    /// The lines of this family.
    #[must_use]
    pub fn table(self) -> &'static [ClaimSpec] {
        match self {
            Self::CrossVendor => cross_vendor::TABLE,
            Self::Job => job::TABLE,
            Self::Nitro => nitro::TABLE,
            Self::NitroTpm => nitrotpm::TABLE,
            Self::Snp => snp::TABLE,
            Self::Tdx => tdx::TABLE,
            Self::Sgx => sgx::TABLE,
            Self::AzureVtpm => azure_vtpm::TABLE,
            Self::Gpu => gpu::TABLE,
            Self::Switch => switch::TABLE,
            Self::Gcs => gcs::TABLE,
            Self::Maa => maa::TABLE,
            Self::Nras => nras::TABLE,
            Self::Ita => ita::TABLE,
        }
    }
}
