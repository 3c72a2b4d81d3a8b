//! Chance for the protocol's cryptography. In: nothing; out: the operating system's generator, in the form that the
//! protocol takes.

use std::convert::Infallible;

use prooftrail_protocol::rand_core::{TryCryptoRng, TryRng};

/// The operating system's generator.
pub(super) struct SystemChance;

impl TryRng for SystemChance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    #[expect(clippy::expect_used, reason = "without chance nothing may be sealed; the request ends here, and only it")]
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
        Ok(())
    }
}

impl TryCryptoRng for SystemChance {}
