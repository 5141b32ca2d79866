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

#[test]
fn every_base_that_is_read_says_the_same() {
    let empty_file = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
    let cid: Cid = empty_file.parse().unwrap();
    assert_eq!(cid, Cid::raw(HashAlgorithm::Sha2_256, b""));
    assert_eq!("zb2rhmy65F3REf8SZp7De11gxtECBGgUKaLdiDj7MCGCHxbDW".parse(), Ok(cid.clone()));
    assert_eq!("k2cwueebp9wws0fnm29jatrrbqocjaivp132efhd99cd5phw2odywbit".parse::<Cid>(), Ok(cid.clone()));
    assert_eq!(cid.to_string(), empty_file);
    // The same bytes in bases that are not read: base16, base32upper, base36upper, base64url.
    for text in [
        "f01551220e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "BAFKREIHDWDCEFGH4DQKJV67UZCMW7OJEE6XEDZDETOJUZJEVTENXQUVYKU",
        "K2CWUEEBP9WWS0FNM29JATRRBQOCJAIVP132EFHD99CD5PHW2ODYWBIT",
        "uAVUSIOOwxEKY_BwUmvv0yJlvuSQnrkHkZJuTTKSVmRt4UrhV",
        "",
        "Qm",
        "/ipfs/x",
        "é",
    ] {
        assert_eq!(text.parse::<Cid>(), Err(CidError::Base), "{text}");
    }
}

#[test]
fn text_that_does_not_fit_its_base_is_refused() {
    let good = Cid::raw(HashAlgorithm::Sha2_256, b"");
    for text in ["k2JM", "k2-", "ké", "z0", "zO", "b1", "b=", "baaaaaaa1"] {
        assert_eq!(text.parse::<Cid>(), Err(CidError::Text), "{text}");
    }
    // Longer than the bound, and at the bound only malformed.
    assert_eq!(format!("k{}", "1".repeat(1025)).parse::<Cid>(), Err(CidError::Text));
    assert_ne!(format!("k{}", "1".repeat(1024)).parse::<Cid>(), Err(CidError::Text));
    assert_eq!(format!("{good}aa").parse::<Cid>(), Err(CidError::Length));
    // A zero in front is a zero byte in front, which is no version.
    assert_eq!("k0".parse::<Cid>(), Err(CidError::Version));
    assert_eq!("k01".parse::<Cid>(), Err(CidError::Version));
    // CIDv0 has a text of its own and no multibase one.
    let v0: Cid = "QmXg9Pp2ytZ14xgmQjYEiHjVjMFXzCVVEcRTWJBmLgR39V".parse().unwrap();
    assert_eq!(format!("z{v0}").parse::<Cid>(), Err(CidError::Version));
}

#[test]
fn a_cidv0_is_read_kept_and_turned_into_a_cidv1() {
    // The empty directory of UnixFS, whose dag-pb block is these four bytes.
    let (v0, block) = ("QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn", b"\x0a\x02\x08\x01");
    let cid: Cid = v0.parse().unwrap();
    assert_eq!((cid.version(), cid.codec(), cid.hash_code()), (0, 0x70, 0x12));
    assert_eq!(cid.to_string(), v0);
    assert!(cid.matches(block) && !cid.matches(b""));
    let v1 = cid.to_v1();
    assert_eq!(v1.to_string(), "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354");
    assert_eq!((v1.version(), v1.codec(), v1.hash_code()), (1, 0x70, 0x12));
    assert!(v1.matches(block) && v1 != cid);
    assert_eq!(v1.to_v1(), v1);
    assert!(v1.is(0x70, HashAlgorithm::Sha2_256) && !cid.is(0x70, HashAlgorithm::Sha2_256));
}

#[test]
fn other_hashes_and_codecs_are_read_and_only_our_hashes_are_checked() {
    // The identity hash of four bytes; a JSON block whose codec takes two bytes.
    let identity: Cid = "bafkqabiaaebagba".parse().unwrap();
    assert_eq!((identity.hash_code(), identity.hash_algorithm(), identity.digest()), (0, None, None));
    let json =
        Cid::from_bytes(&[&[1, 0xa9, 0x02, 0x12, 32], &HashAlgorithm::Sha2_256.digest(b"{}")[..]].concat());
    let json = json.unwrap();
    assert_eq!((json.codec(), json.hash_code()), (0x0129, 0x12));
    assert!(json.matches(b"{}") && !json.matches(b"[]"));
    // sha2-256 cut to 20 bytes is a CID, and not one that is checked.
    let cut = Cid::from_bytes(&[&[1, 0x55, 0x12, 20], &HashAlgorithm::Sha2_256.digest(b"x")[..20]].concat())
        .unwrap();
    assert!(!cut.matches(b"x") && cut.hash_algorithm().is_none());
}
