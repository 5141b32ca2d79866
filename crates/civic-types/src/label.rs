//! The closed list of domain-separation labels.
//!
//! Whatever is signed, hashed into an id or used to derive a key starts with a label of its own, so
//! bytes made for one purpose can never serve another. A label is ASCII, has the form
//! `civicbase/NAME/1[/part]`, ends in one NUL and stays the same under any configured namespace.

/// A domain-separation label. There are no others than the constants of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(&'static str);

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        impl Label {
            $($(#[$doc])* pub const $name: Self = Self(concat!($text, "\0"));)*

            /// Every label there is.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

labels! {
    /// End-to-end acknowledgement of delivered messages.
    ACK = "civicbase/ack/1";
    /// Agent id: hash of its first device list.
    AGENT = "civicbase/agent/1";
    /// Signed filter or sketch artifact.
    ARTIFACT = "civicbase/artifact/1";
    /// Keyed short id in a radio beacon.
    BEACON = "civicbase/beacon/1";
    /// Collection id: hash of its definition.
    COLLECTION = "civicbase/collection/1";
    /// Community id: hash of its genesis.
    COMMUNITY = "civicbase/community/1";
    /// Associated data of a community pack.
    COMMUNITY_EVENT = "civicbase/community/1/event";
    /// Epoch id that commits to a community key.
    COMMUNITY_ID = "civicbase/community/1/id";
    /// Proof of community membership on a link.
    COMMUNITY_PROOF = "civicbase/community/1/proof";
    /// Proof of possession in a device list.
    DEVICE_LINK = "civicbase/device-link/1";
    /// HPKE info of sealed mail, suite 2.
    E2EE = "civicbase/e2ee/2";
    /// Blinded payee of a Hearts transfer.
    HEARTS_PAYEE = "civicbase/hearts/1/payee";
    /// Signed invitation into a community.
    INVITE = "civicbase/invite/1";
    /// Signature over an item.
    ITEM = "civicbase/item/1";
    /// Key of the keystore's entries.
    KEYSTORE_ENTRIES = "civicbase/keystore/1/entries";
    /// Associated data of a wrapped keystore master key.
    KEYSTORE_WRAP = "civicbase/keystore/1/wrap";
    /// Signed part of an envelope.
    MESSAGE = "civicbase/message/1";
    /// Noise prologue.
    NOISE = "civicbase/noise/1";
    /// Binding of a fresh Noise static key to a device key.
    NOISE_STATIC = "civicbase/noise-static/1";
    /// Transcript of the four-message peer authentication.
    PEER_AUTH = "civicbase/peer-auth/1";
    /// Initiator's signature over that transcript.
    PEER_AUTH_I = "civicbase/peer-auth/1/i";
    /// Responder's signature over that transcript.
    PEER_AUTH_R = "civicbase/peer-auth/1/r";
    /// Replica id: hash of device key and nonce.
    REPLICA = "civicbase/replica/1";
    /// Key of a reconciliation scope.
    SCOPE = "civicbase/scope/1";
    /// Sealed-sender mail.
    SEALED_SENDER = "civicbase/sealed-sender/1";
    /// Tag of a network and a site on a LAN.
    SITE = "civicbase/site/1";
    /// Keyed hash that blinds keys of a sealed store (local, never on a wire).
    STORE_BLIND = "civicbase/store/1/blind";
    /// Key of the records of a sealed store (local, never on a wire).
    STORE_RECORD = "civicbase/store/1/record";
    /// Commitment of a threshold envelope.
    THRESHOLD_COMMIT = "civicbase/threshold/1/commit";
    /// Payload key of a threshold envelope.
    THRESHOLD_PAYLOAD = "civicbase/threshold/1/payload";
    /// Sealed share of a threshold envelope.
    THRESHOLD_SHARE = "civicbase/threshold/1/share";
}

impl Label {
    /// The bytes to prepend: ASCII, ending in exactly one NUL.
    #[must_use]
    pub const fn as_bytes(self) -> &'static [u8] {
        self.0.as_bytes()
    }

    /// The text without its NUL, as BLAKE3's `derive_key` context takes it.
    #[must_use]
    pub fn context(self) -> &'static str {
        self.0.trim_end_matches('\0')
    }
}

#[cfg(test)]
mod tests {
    use super::Label;

    #[test]
    fn labels_have_the_fixed_form_and_none_is_a_prefix_of_another() {
        for (i, a) in Label::ALL.iter().enumerate() {
            let text = a.context();
            assert!(text.is_ascii() && text.starts_with("civicbase/"), "{text}");
            assert_eq!(a.as_bytes().iter().filter(|b| **b == 0).count(), 1, "{text}");
            assert_eq!(a.as_bytes().last(), Some(&0), "{text}");
            for (j, b) in Label::ALL.iter().enumerate() {
                assert!(i == j || !b.as_bytes().starts_with(a.as_bytes()), "{text} {}", b.context());
            }
        }
    }
}
