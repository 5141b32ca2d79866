//! Randomness as an argument: [`SystemRng`] is the only generator that asks the operating system.

use std::convert::Infallible;

use getrandom::SysRng;
use rand_core::{TryCryptoRng, TryRng, UnwrapErr};

/// The operating system's generator.
///
/// # Panics
///
/// Its methods panic when the system cannot give randomness: no key may be made without it.
#[derive(Clone, Copy, Debug)]
pub struct SystemRng(UnwrapErr<SysRng>);

impl SystemRng {
    /// A handle; there is no state.
    #[must_use]
    pub const fn new() -> Self {
        Self(UnwrapErr(SysRng))
    }
}

impl Default for SystemRng {
    fn default() -> Self {
        Self::new()
    }
}

impl TryRng for SystemRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(bytes)
    }
}

impl TryCryptoRng for SystemRng {}

/// `N` random bytes.
pub fn random_bytes<const N: usize>(rng: &mut dyn rand_core::CryptoRng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}
