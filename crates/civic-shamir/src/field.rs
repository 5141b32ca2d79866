//! GF(2^8), the bytes as polynomials modulo x^8 + x^4 + x^3 + x + 1: no tables and no branches.
//!
//! Addition and subtraction are XOR. Source: FIPS 197, section 4.

/// Adds `weight · values` to `sums`, byte by byte. Both are of one length.
///
/// Time and memory access depend on the length alone.
pub(crate) fn add_scaled(sums: &mut [u8], values: &[u8], weight: u8) {
    debug_assert_eq!(sums.len(), values.len(), "the shorter would end the sum");
    let (sum_lanes, sum_rest) = sums.as_chunks_mut();
    let (value_lanes, value_rest) = values.as_chunks();
    for (sum, value) in sum_lanes.iter_mut().zip(value_lanes) {
        *sum = (u64::from_le_bytes(*sum) ^ scale(u64::from_le_bytes(*value), weight)).to_le_bytes();
    }
    for (sum, value) in sum_rest.iter_mut().zip(value_rest) {
        *sum ^= mul(*value, weight);
    }
}

/// The product of two elements.
pub(crate) fn mul(a: u8, b: u8) -> u8 {
    let [product, ..] = scale(u64::from(a), b).to_le_bytes();
    product
}

/// The element whose product with `a` is 1; for zero, which has none, zero.
pub(crate) fn invert(a: u8) -> u8 {
    // The group has 255 elements, so the inverse is a^254, and 254 = 2 + 4 + 8 + … + 128.
    let (mut inverse, mut square) = (1, a);
    for _ in 1..u8::BITS {
        square = mul(square, square);
        inverse = mul(inverse, square);
    }
    inverse
}

/// The eight bytes of `lane`, each times `weight`: the sum of `lane · x^bit` over the bits of `weight`.
fn scale(mut lane: u64, weight: u8) -> u64 {
    let mut product = 0;
    for bit in 0..u8::BITS {
        let chosen = u64::from(weight >> bit & 1).wrapping_neg();
        product ^= lane & chosen;
        lane = times_x(lane);
    }
    product
}

/// The eight bytes of `lane`, each times x: a bit that leaves its byte comes back as the modulus.
const fn times_x(lane: u64) -> u64 {
    let left = (lane & TOP_BITS) >> 7;
    // All ones in the bytes that a bit has left.
    let mask = (left << 8).wrapping_sub(left);
    ((lane & !TOP_BITS) << 1) ^ (mask & MODULUS)
}

/// The top bit of each byte.
const TOP_BITS: u64 = u64::from_ne_bytes([0x80; 8]);
/// x^8, which is x^4 + x^3 + x + 1, in each byte.
const MODULUS: u64 = u64::from_ne_bytes([0x1b; 8]);

#[cfg(test)]
mod tests {
    use super::{add_scaled, invert, mul};

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
    fn each_element_times_its_inverse_is_one_and_zero_stays() {
        assert_eq!(invert(0), 0);
        for a in 1..=255 {
            assert_eq!(by_long_division(a, invert(a)), 1, "{a}");
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
