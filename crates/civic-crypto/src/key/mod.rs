//! Keys: the device's own ([`DeviceKey`], [`ExchangeKey`]) and others' ([`VerifyingKey`]), with the one rule
//! of admission.

mod device;
mod exchange;
mod verifying;

pub use device::DeviceKey;
pub use exchange::ExchangeKey;
pub use verifying::VerifyingKey;
