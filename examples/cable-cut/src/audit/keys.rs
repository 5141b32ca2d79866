use std::path::Path;
use std::sync::Arc;

use civic_crypto::keystore::KeyFile;
use civic_store::{Sqlite, StorageAdapter, StoreKey};

use crate::error::Error;

/// Opens the sealed store of a device's folder with the key in its key file. Nothing is made that is not there.
pub(super) fn open(folder: &Path, passphrase: &str) -> Result<Arc<dyn StorageAdapter>, Error> {
    let (keys, path) = (folder.join("keys"), folder.join("store.sqlite"));
    std::fs::metadata(&path).map_err(Error::file("find", &path))?;
    let file = KeyFile::open(&keys, passphrase)
        .map_err(|source| Error::Keys { path: keys.clone(), source: Box::new(source) })?;
    let secret =
        file.get_32(STORE_ENTRY).ok_or(Error::Table { table: "key file", what: "no key of a store" })?;
    Ok(Arc::new(Sqlite::open(&path, &StoreKey::from_bytes(*secret))?))
}

/// The name of the store's key in a node's key file.
const STORE_ENTRY: &str = "store";
