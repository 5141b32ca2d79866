use super::*;
use crate::rng::SystemRng;

const FAST: KdfParams = KdfParams::Argon2id { memory_kib: 8 * 1024, passes: 1, lanes: 1 };

fn made(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("keys");
    let mut file = KeyFile::create(&path, "korrekt häst", FAST, &mut SystemRng::new()).unwrap();
    file.set([("device", &[7_u8; 32][..]), ("kx", &[8; 32])], &mut SystemRng::new()).unwrap();
    path
}

#[test]
fn secrets_come_back_under_the_passphrase_in_any_unicode_form() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(&folder);
    let file = KeyFile::open(&path, "korrekt ha\u{308}st").unwrap();
    assert_eq!(file.get_32("device").as_deref(), Some(&[7; 32]));
    assert_eq!(file.get("none"), None);
    assert!(!format!("{file:?}").contains("7, 7"));
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(32).any(|w| w == [7; 32]), "the secret stands in the file");
}

#[test]
fn a_wrong_passphrase_and_any_flipped_byte_give_the_same_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(&folder);
    let bytes = std::fs::read(&path).unwrap();
    assert!(matches!(KeyFile::open(&path, "wrong"), Err(KeyStoreError::Unlock)));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x80;
        std::fs::write(&path, &changed).unwrap();
        assert!(matches!(KeyFile::open(&path, "korrekt häst"), Err(KeyStoreError::Unlock)), "byte {at}");
    }
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert!(matches!(KeyFile::open(&path, "korrekt häst"), Err(KeyStoreError::Unlock)));
}

#[test]
fn weak_and_monstrous_parameters_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for params in [
        KdfParams::Argon2id { memory_kib: 8191, passes: 1, lanes: 1 },
        KdfParams::Argon2id { memory_kib: 1024 * 1024 + 1, passes: 1, lanes: 1 },
        KdfParams::Argon2id { memory_kib: 8192, passes: 17, lanes: 1 },
        KdfParams::Argon2id { memory_kib: 8192, passes: 1, lanes: 5 },
        KdfParams::Pbkdf2 { iterations: 99_999 },
        KdfParams::Pbkdf2 { iterations: 10_000_001 },
    ] {
        let made = KeyFile::create(folder.path().join("keys"), "x", params, &mut SystemRng::new());
        assert!(matches!(made, Err(KeyStoreError::Unlock)), "{params:?}");
    }
    let empty = KeyFile::create(folder.path().join("keys"), "", FAST, &mut SystemRng::new());
    assert!(matches!(empty, Err(KeyStoreError::Passphrase)));
}

#[test]
fn the_passphrase_changes_and_files_are_private_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(&folder);
    let mut file = KeyFile::open(&path, "korrekt häst").unwrap();
    file.set_passphrase("ny", KdfParams::Pbkdf2 { iterations: 100_000 }, &mut SystemRng::new()).unwrap();
    assert!(matches!(KeyFile::open(&path, "korrekt häst"), Err(KeyStoreError::Unlock)));
    assert_eq!(KeyFile::open(&path, "ny").unwrap().get_32("kx").as_deref(), Some(&[8; 32]));
    let again = KeyFile::create(&path, "x", FAST, &mut SystemRng::new());
    assert!(matches!(again, Err(KeyStoreError::Exists { .. })));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn entries_are_bounded_and_a_refused_change_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(&folder);
    let mut file = KeyFile::open(&path, "korrekt häst").unwrap();
    let huge = vec![0; MAX_ENTRIES_BYTES];
    let refused = file.set([("huge", huge.as_slice())], &mut SystemRng::new());
    assert!(matches!(refused, Err(KeyStoreError::TooLarge { .. })));
    assert_eq!(file.get("huge"), None);
}
