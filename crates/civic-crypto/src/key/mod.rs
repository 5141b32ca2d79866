//! Keys: the device's own ([`DeviceKey`]) and others' ([`VerifyingKey`]), with the one rule of admission.

mod device;
mod verifying;

pub use device::DeviceKey;
pub use verifying::VerifyingKey;
