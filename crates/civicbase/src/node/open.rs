use std::fs::{self, File, OpenOptions, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use civic_crypto::keystore::KdfParams;
#[cfg(feature = "libp2p")]
use civic_p2p::internet::{InternetConfig, InternetLink};
use civic_store::Sqlite;
use civic_store::cell::FileCell;
use civic_sync::SyncConfig;
use civic_transport::PeerAddr;
use civic_transport::links::lan::{LanConfig, LanLink};
use zeroize::Zeroizing;

use super::builder::NodeBuilder;
use super::driver::Driver;
use super::keys::KeyRing;
use super::running::Node;
use crate::error::Error;

/// A node in a folder: its keys under a passphrase, a sealed SQLite store, and a LAN link that finds its peers.
///
/// | file | what |
/// |---|---|
/// | `keys` | the device's secrets and communities, under the passphrase |
/// | `store.sqlite` | documents, sealed under a key in `keys` |
/// | `clock` | the clock's high-water mark |
/// | `lan` | addresses at which peers were found near by, if the LAN link discovers |
/// | `internet` | the same of an internet link |
/// | `lock` | empty; locked while a process has the node open |
#[derive(Debug)]
#[must_use = "options do nothing until the node is built"]
pub struct NodeOptions {
    dir: PathBuf,
    passphrase: Passphrase,
    kdf: KdfParams,
    lan: Option<LanConfig>,
    #[cfg(feature = "libp2p")]
    internet: Option<InternetConfig>,
    sync: SyncConfig,
    net: Option<String>,
    advertised: Option<String>,
}

/// Wiped when dropped, never printed.
struct Passphrase(Zeroizing<String>);

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase")
    }
}

impl Node {
    /// Opens the node in a folder, making whatever is missing, and starts it on the tokio runtime that this
    /// is called in: key file, sealed SQLite store, and a LAN link on every interface.
    ///
    /// # Errors
    ///
    /// As [`NodeOptions::start`].
    ///
    /// # Cancel safety
    ///
    /// Cancelled, there is no node; what was made durable stands.
    pub async fn open(dir: impl AsRef<Path>, passphrase: &str) -> Result<Self, Error> {
        Self::at(dir, passphrase).start().await
    }

    /// [`open`](Self::open) with options.
    pub fn at(dir: impl AsRef<Path>, passphrase: &str) -> NodeOptions {
        NodeOptions {
            dir: dir.as_ref().to_owned(),
            passphrase: Passphrase(Zeroizing::new(passphrase.to_owned())),
            kdf: KdfParams::default(),
            lan: Some(LanConfig::default()),
            #[cfg(feature = "libp2p")]
            internet: None,
            sync: SyncConfig::default(),
            net: None,
            advertised: None,
        }
    }
}

impl NodeOptions {
    /// Where the LAN link listens. Default: every IPv4 interface, a port that the system picks.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.lan = Some(self.lan.unwrap_or_default().with_listen(address));
        self
    }

    /// How the LAN link works, in place of what was set before.
    pub fn lan(mut self, config: LanConfig) -> Self {
        self.lan = Some(config);
        self
    }

    /// Without a LAN link.
    pub fn without_lan(mut self) -> Self {
        self.lan = None;
        self
    }

    /// With an internet link too. It keeps addresses at which peers were found in the folder, unless the
    /// configuration says where.
    #[cfg(feature = "libp2p")]
    pub fn internet(mut self, config: InternetConfig) -> Self {
        self.internet = Some(config);
        self
    }

    /// How a new key file makes a key of the passphrase. Default: 64 MiB and three passes of Argon2id.
    pub const fn kdf(mut self, params: KdfParams) -> Self {
        self.kdf = params;
        self
    }

    /// The network's name, as [`NodeBuilder::net`].
    pub fn net(mut self, name: impl Into<String>) -> Self {
        self.net = Some(name.into());
        self
    }

    /// How replication works.
    pub fn sync(mut self, config: SyncConfig) -> Self {
        self.sync = config;
        self
    }

    /// Where others may dial this device, as its tickets will say it. Default: where the link listens.
    pub fn advertise(mut self, address: impl Into<String>) -> Self {
        self.advertised = Some(address.into());
        self
    }

    /// Opens the folder and makes the node. The addresses of its communities' tickets are dialled, again and
    /// again, once it is there.
    ///
    /// # Errors
    ///
    /// [`Error::WrongPassphrase`]; [`Error::Store`] with `Locked` when another process has the node open;
    /// [`Error::Link`] with `AddressInUse`; [`Error::KeysMissing`], [`Error::Folder`], [`Error::KeyFile`];
    /// else as [`NodeBuilder::build`]. [`Error::NoRuntime`] outside a tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, there is no node; what was made durable stands.
    pub async fn build(self) -> Result<(Node, Driver), Error> {
        self.parts().await?.build().await
    }

    /// [`build`](Self::build), with the driver spawned on the tokio runtime that this is called in.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    ///
    /// # Cancel safety
    ///
    /// As [`build`](Self::build).
    pub async fn start(self) -> Result<Node, Error> {
        self.parts().await?.start().await
    }

    /// Key derivation and opening the store take tenths of a second and belong on no async thread.
    async fn parts(self) -> Result<NodeBuilder, Error> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let blocking = runtime.spawn_blocking(move || self.open_folder());
        blocking.await.unwrap_or(Err(Error::Closed))
    }

    fn open_folder(self) -> Result<NodeBuilder, Error> {
        let lock = claim(&self.dir)?;
        let (keys, path) = (self.dir.join("keys"), self.dir.join("store.sqlite"));
        if path.exists() && !keys.exists() {
            return Err(Error::KeysMissing { path: keys });
        }
        let mut ring = KeyRing::open_or_create(&keys, &self.passphrase.0, self.kdf)?;
        let store = Sqlite::open(&path, &ring.store_key()?)?;
        let known = ring.members()?.into_iter().flat_map(|member| member.addresses);
        let known = known.map(|address| PeerAddr { peer: address.peer, address: address.address });
        // Multiaddresses begin with a slash, and no other address does.
        let (far, near): (Vec<_>, Vec<_>) = known.partition(|known| known.address.starts_with('/'));
        let mut builder = NodeBuilder::default()
            .ring(ring)
            .store(Arc::new(store))
            .clock_cell(Arc::new(FileCell::new(self.dir.join("clock"))))
            .sync(self.sync)
            .folder(lock);
        if let Some(lan) = self.lan {
            let mut lan = near.into_iter().fold(lan, LanConfig::with_manual);
            if let Some(discovery) = lan.discovery.take_if(|discovery| discovery.known.is_none()) {
                let known = Arc::new(FileCell::new(self.dir.join("lan")));
                lan = lan.with_discovery(discovery.with_known(known));
            }
            builder = builder.lan(LanLink::new(lan));
        }
        #[cfg(feature = "libp2p")]
        if let Some(internet) = self.internet {
            let mut internet = far.into_iter().fold(internet, InternetConfig::with_bootstrap);
            if internet.addresses.is_none() {
                internet = internet.with_addresses(Arc::new(FileCell::new(self.dir.join("internet"))));
            }
            builder = builder.internet(InternetLink::new(internet));
        }
        #[cfg(not(feature = "libp2p"))]
        drop(far);
        if let Some(net) = self.net {
            builder = builder.net(net);
        }
        if let Some(address) = self.advertised {
            builder = builder.advertise(address);
        }
        Ok(builder)
    }
}

/// Makes the folder, for its owner alone, and this process the only one in it.
fn claim(dir: &Path) -> Result<File, Error> {
    let unusable = |source| Error::Folder { path: dir.to_owned(), source };
    let mut making = fs::DirBuilder::new();
    making.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut making, 0o700);
    making.create(dir).map_err(unusable)?;
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(dir.join("lock"));
    let file = opened.map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(civic_store::Error::Locked { path: dir.to_owned() }.into()),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}
