//! GF(2^8), the bytes as polynomials modulo x^8 + x^4 + x^3 + x + 1, without a branch on any that is secret.
//!
//! Addition and subtraction are XOR. Secret elements are only ever added and multiplied; public ones have logarithms too,
//! which are read from tables. Source: FIPS 197, section 4.

/// Adds `weight · values` to `sums`, byte by byte. Both are secret and of one length, `weight` is public.
///
/// Time and memory access depend on the length and on `weight` alone.
pub(crate) fn add_scaled(sums: &mut [u8], values: &[u8], weight: u8) {
    debug_assert_eq!(sums.len(), values.len(), "the shorter would end the sum");
    // A plain loop, of which the compiler takes sixteen bytes at once.
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum ^= mul(*value, weight);
    }
}

/// The public element with this exponent, so that a sum of exponents is a product.
pub(crate) const fn exp(log: u32) -> u8 {
    POWERS[(log % ORDER) as usize]
}

/// The exponent of a public element, below [`ORDER`]. Zero, which has none, is not asked for.
pub(crate) const fn log(element: u8) -> u32 {
    LOGS[element as usize] as u32
}

/// The number of elements but zero, and the exponent at which powers begin anew.
pub(crate) const ORDER: u32 = 255;

/// The product of `a`, which may be secret, and `b`, which is public: the sum of `a · x^bit` over the bits of `b`.
#[inline]
const fn mul(mut a: u8, b: u8) -> u8 {
    let (mut product, mut bit) = (0, 0);
    while bit < u8::BITS {
        product ^= a & (b >> bit & 1).wrapping_neg();
        // x^8 leaves the byte and comes back as the rest of the modulus.
        a = (a << 1) ^ (MODULUS & (a >> 7).wrapping_neg());
        bit += 1;
    }
    product
}

/// The powers of x + 1, which are all elements but zero.
const POWERS: [u8; ORDER as usize] = {
    let mut powers = [1; ORDER as usize];
    let mut log = 1;
    while log < powers.len() {
        powers[log] = mul(powers[log - 1], 0b11);
        log += 1;
    }
    powers
};

/// The place of each element in [`POWERS`], whatever byte indexes it.
const LOGS: [u8; 256] = {
    let mut logs = [0; 256];
    let mut log = 0;
    while log < u8::MAX {
        logs[POWERS[log as usize] as usize] = log;
        log += 1;
    }
    logs
};

/// x^4 + x^3 + x + 1, which is x^8.
const MODULUS: u8 = 0x1b;

#[cfg(test)]
mod tests {
    use super::{ORDER, add_scaled, exp, log, mul};

    /// The definition: multiply the polynomials, then take the remainder of the division by 0x11b.
    fn by_long_division(a: u8, b: u8) -> u8 {
        let mut product = 0u16;
        for bit in 0..8 {
            if b >> bit & 1 == 1 {
                product ^= u16::from(a) << bit;
            }
        }
        for bit in (8..16).rev() {
            if product >> bit & 1 == 1 {
                product ^= 0x11b << (bit - 8);
            }
        }
        u8::try_from(product).unwrap()
    }

    #[test]
    fn all_products_are_the_defined_ones() {
        for (a, b) in (0..=255).flat_map(|a| (0..=255).map(move |b| (a, b))) {
            assert_eq!(mul(a, b), by_long_division(a, b), "{a} · {b}");
        }
    }

    #[test]
    fn the_product_of_the_standard_holds() {
        assert_eq!(mul(0x57, 0x83), 0xc1, "FIPS 197, section 4.2");
    }

    #[test]
    fn quotients_by_logarithms_are_the_defined_ones() {
        for (a, b) in (1..=255).flat_map(|a| (1..=255).map(move |b| (a, b))) {
            assert_eq!(by_long_division(b, exp(log(a) + ORDER - log(b))), a, "{a} / {b}");
        }
    }

    #[test]
    fn each_element_but_zero_has_its_inverse() {
        for a in 1..=255 {
            assert_eq!(by_long_division(a, exp(ORDER - log(a))), 1, "{a}");
        }
    }

    #[test]
    fn sums_of_any_length_are_those_of_their_bytes() {
        let bytes: Vec<u8> = (0..=255).collect();
        for (length, weight) in (0..=40).flat_map(|length| (0..=255).map(move |weight| (length, weight))) {
            for start in [0, 108, 215] {
                let values = &bytes[start..start + length];
                let mut sums: Vec<u8> = values.iter().rev().copied().collect();
                let want: Vec<u8> = sums
                    .iter()
                    .zip(values)
                    .map(|(sum, value)| sum ^ by_long_division(*value, weight))
                    .collect();
                add_scaled(&mut sums, values, weight);
                assert_eq!(sums, want, "{length} bytes from {start} times {weight}");
            }
        }
    }
}
