use std::sync::Arc;

use civic_crypto::DeviceKey;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::sign::{Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};

/// The device's key, as rustls signs with it: CertificateVerify and nothing else.
#[derive(Clone, Debug)]
pub(super) struct DeviceSigner(Arc<DeviceKey>);

impl DeviceSigner {
    pub(super) const fn new(key: Arc<DeviceKey>) -> Self {
        Self(key)
    }
}

impl SigningKey for DeviceSigner {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&SignatureScheme::ED25519).then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(super::spki(&self.0.public_key()).into())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl Signer for DeviceSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signature = self.0.sign_tls13(message);
        let signature =
            signature.map_err(|error| rustls::Error::Other(rustls::OtherError(Arc::new(error))))?;
        Ok(signature.as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}
