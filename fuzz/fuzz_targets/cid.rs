//! Bytes that are a CID stay as they are, and go through text; text that is one says the same in its own base.
#![no_main]

use civic_types::Cid;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(cid) = Cid::from_bytes(data) {
        assert_eq!(cid.as_bytes(), data);
        let v1 = cid.to_v1();
        assert_eq!((v1.version(), v1.codec(), v1.hash_code()), (1, cid.codec(), cid.hash_code()));
        assert_eq!(v1.digest(), cid.digest());
        through_text(&v1);
        through_text(&cid);
        // Exactly one CID: neither less nor more of it is.
        assert!(Cid::from_bytes(&data[..data.len() - 1]).is_err());
        assert!(Cid::from_bytes(&[data, &[0]].concat()).is_err());
    }
    if let Some((text, Ok(cid))) = std::str::from_utf8(data).ok().map(|text| (text, text.parse::<Cid>())) {
        assert_eq!(Cid::from_bytes(cid.as_bytes()).as_ref(), Ok(&cid));
        through_text(&cid);
        if !text.starts_with(['k', 'z']) {
            assert_eq!(cid.to_string(), text);
        }
    }
});

fn through_text(cid: &Cid) {
    assert_eq!(cid.to_string().parse::<Cid>().as_ref(), Ok(cid), "{cid}");
}
