use super::*;

#[test]
fn text_and_bytes_round_trip() {
    for text in [
        "bafyreidykglsfhoixmivffc5uwhcgshx4j465xwqntbmu43nb2dzqwfvae",
        "bafkqabiaaebagba",
        "QmXg9Pp2ytZ14xgmQjYEiHjVjMFXzCVVEcRTWJBmLgR39V",
    ] {
        let cid: Cid = text.parse().unwrap();
        assert_eq!(cid.to_string(), text);
        assert_eq!(Cid::from_bytes(cid.as_bytes()).unwrap(), cid);
    }
}

#[test]
fn a_cid_matches_its_content_only() {
    for hash in [HashAlgorithm::Blake3, HashAlgorithm::Sha2_256] {
        let cid = Cid::raw(hash, b"x");
        assert!(cid.matches(b"x") && !cid.matches(b"y"));
        assert!(cid.is(RAW, hash) && !cid.is(DAG_CBOR, hash));
    }
}

#[test]
fn malformed_cids_are_refused() {
    let good = Cid::raw(HashAlgorithm::Sha2_256, b"x");
    let bytes = good.as_bytes();
    assert_eq!(Cid::from_bytes(&bytes[..35]), Err(CidError::Length));
    assert_eq!(Cid::from_bytes(&[bytes, &[0]].concat()), Err(CidError::Length));
    assert_eq!(Cid::from_bytes(&[&[2], &bytes[1..]].concat()), Err(CidError::Version));
    assert_eq!(Cid::from_bytes(&[&[1, 0xf1, 0], &bytes[2..]].concat()), Err(CidError::Varint));
    assert_eq!(Cid::from_bytes(&[]), Err(CidError::Length));
    assert_eq!("bAFK".parse::<Cid>(), Err(CidError::Text));
}
