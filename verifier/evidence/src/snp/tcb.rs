//! TCB versions: the security patch levels of a platform's firmware (AMD 56860, section 2.2).
//!
//! In: the eight bytes of a report, and the generation that says what they mean. Out: [`TcbVersion`], compared level by
//! level. The eight bytes are no number: a platform may be ahead in one level and behind in another.

use std::fmt;

use prooftrail_result::{Reason, ReasonCode};

use super::product::Generation;

/// The security patch levels.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TcbVersion {
    /// Of the FMC; from the second generation on.
    pub fmc: Option<u8>,
    /// Of the boot loader.
    pub bootloader: u8,
    /// Of the trusted execution environment.
    pub tee: u8,
    /// Of the SEV-SNP firmware.
    pub snp: u8,
    /// Of the microcode.
    pub microcode: u8,
}

impl TcbVersion {
    /// Reads a TCB version; `field` names it in the reason.
    pub(crate) fn read(bytes: [u8; 8], generation: Generation, field: &str) -> Result<Self, Reason> {
        let (version, reserved) = match generation {
            Generation::First => {
                let [bootloader, tee, reserved @ .., snp, microcode] = bytes;
                (Self { fmc: None, bootloader, tee, snp, microcode }, reserved.iter().any(|byte| *byte != 0))
            }
            Generation::Second => {
                let [fmc, bootloader, tee, snp, reserved @ .., microcode] = bytes;
                (Self { fmc: Some(fmc), bootloader, tee, snp, microcode }, reserved.iter().any(|byte| *byte != 0))
            }
        };
        if reserved {
            let detail = format!("reserved bytes of {field} are not zero");
            return Err(Reason::new(ReasonCode::SnpReserved, detail).have(hex::encode(bytes)));
        }
        Ok(version)
    }

    /// The levels by name, in the order of the second generation.
    pub fn levels(&self) -> impl Iterator<Item = (&'static str, u8)> {
        let Self { fmc, bootloader, tee, snp, microcode } = *self;
        let fmc = fmc.map(|fmc| ("fmc", fmc));
        fmc.into_iter().chain([("bootloader", bootloader), ("tee", tee), ("snp", snp), ("microcode", microcode)])
    }

    /// The levels in which this is above the other, with both.
    pub(crate) fn above(&self, other: &Self) -> impl Iterator<Item = (&'static str, u8, u8)> {
        self.levels().zip(other.levels()).filter(|((_, a), (_, b))| a > b).map(|((name, a), (_, b))| (name, a, b))
    }
}

/// As people write it: `bootloader 3, tee 0, snp 8, microcode 115`.
impl fmt::Display for TcbVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (name, level)) in self.levels().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{name} {level}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Generation, TcbVersion};

    #[test]
    fn each_generation_has_its_own_places() {
        let bytes = [1, 2, 0, 0, 0, 0, 7, 8];
        let first = TcbVersion::read(bytes, Generation::First, "REPORTED_TCB").unwrap();
        assert_eq!(first.to_string(), "bootloader 1, tee 2, snp 7, microcode 8");
        assert!(TcbVersion::read(bytes, Generation::Second, "REPORTED_TCB").is_err(), "byte 6 is reserved there");
        let bytes = [1, 2, 3, 4, 0, 0, 0, 8];
        let second = TcbVersion::read(bytes, Generation::Second, "REPORTED_TCB").unwrap();
        assert_eq!(second.to_string(), "fmc 1, bootloader 2, tee 3, snp 4, microcode 8");
        assert!(
            TcbVersion::read(bytes, Generation::First, "REPORTED_TCB").is_err(),
            "bytes 2 and 3 are reserved there"
        );
    }

    #[test]
    fn levels_are_compared_one_by_one() {
        let read = |bytes| TcbVersion::read(bytes, Generation::First, "a TCB").unwrap();
        let (a, b) = (read([4, 0, 0, 0, 0, 0, 8, 100]), read([3, 0, 0, 0, 0, 0, 9, 200]));
        assert_eq!(a.above(&b).collect::<Vec<_>>(), [("bootloader", 4, 3)]);
        assert_eq!(b.above(&a).collect::<Vec<_>>(), [("snp", 9, 8), ("microcode", 200, 100)]);
        assert_eq!(a.above(&a).count(), 0);
    }
}
