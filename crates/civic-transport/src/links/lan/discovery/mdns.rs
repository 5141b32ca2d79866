use std::net::{SocketAddr, SocketAddrV6};

use mdns_sd::{
    DaemonEvent, DaemonStatus, IfKind, Metrics, Receiver, ResolvedService, ScopedIp, ServiceDaemon,
    ServiceEvent, ServiceInfo,
};

use super::directory::{Input, MAX_ADDRESSES};
use super::id::{Instance, ShortId, Tag};
use super::interfaces::Scope;

/// DNS-SD of one start: a daemon thread that announces us and browses our subtype. Dropped, it ends the
/// thread, which says goodbye.
#[derive(Debug)]
pub(super) struct Mdns {
    daemon: Daemon,
    events: Receiver<ServiceEvent>,
    monitor: Receiver<DaemonEvent>,
    /// The daemon's answer to how much it remembers.
    metrics: Option<Receiver<Metrics>>,
    unanswered: u32,
    scope: Scope,
    subtype: String,
    instance: Instance,
}

/// What is announced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) id: ShortId,
    pub(super) port: u16,
    /// Differs from one announcement to the next, or browsers would not tell of the second.
    pub(super) sequence: u32,
}

impl Mdns {
    /// # Errors
    ///
    /// When the system refuses a thread, or the daemon a command.
    pub(super) fn start(scope: Scope, tag: Tag, instance: Instance) -> Result<Self, mdns_sd::Error> {
        let daemon = Daemon(ServiceDaemon::new()?);
        daemon.0.disable_interface(IfKind::All)?;
        daemon.0.enable_interface(scope.kinds())?;
        let excluded = scope.excluded();
        if !excluded.is_empty() {
            daemon.0.disable_interface(excluded)?;
        }
        let subtype = subtype(tag);
        let (monitor, events) = (daemon.0.monitor()?, daemon.0.browse(&subtype)?);
        Ok(Self { daemon, events, monitor, metrics: None, unanswered: 0, scope, subtype, instance })
    }

    /// # Errors
    ///
    /// When the daemon is gone or too busy.
    pub(super) fn announce(&self, record: &Record) -> Result<(), mdns_sd::Error> {
        let name = hex(&self.instance);
        let (host, txt) = (format!("{name}.local."), txt(record));
        let address = match self.scope {
            Scope::One(ip) => ip.to_string(),
            Scope::Every { .. } => String::new(),
        };
        let info = ServiceInfo::new(&self.subtype, &name, &host, &*address, record.port, &txt[..])?;
        let mut info = if address.is_empty() { info.enable_addr_auto() } else { info };
        // The name is random: there is nobody to ask about it.
        info.set_requires_probe(false);
        info.set_interfaces(self.scope.kinds());
        self.daemon.0.register(info)
    }

    /// What the daemon tells next; `None` when it is gone.
    pub(super) async fn next(&self) -> Option<ServiceEvent> {
        self.events.recv_async().await.ok()
    }

    /// What the daemon complained about since the last call.
    pub(super) fn complaint(&self) -> Option<mdns_sd::Error> {
        self.monitor.try_iter().find_map(|event| match event {
            DaemonEvent::Error(error) => Some(error),
            _ => None,
        })
    }

    /// Whether the daemon remembers too many records, or has no time to say so; and asks again.
    pub(super) fn is_flooded(&mut self) -> bool {
        let answer = self.metrics.as_ref().map(Receiver::try_recv);
        if let (Some(Err(_)), Some(false)) = (&answer, self.metrics.as_ref().map(Receiver::is_disconnected)) {
            self.unanswered += 1;
            return self.unanswered >= MAX_UNANSWERED;
        }
        self.unanswered = 0;
        self.metrics = self.daemon.0.get_metrics().ok();
        answer.and_then(Result::ok).is_some_and(|metrics| {
            let cached = metrics.iter().filter(|(name, _)| name.starts_with("cached-"));
            cached.map(|(_, count)| *count).sum::<i64>() > MAX_CACHED_RECORDS
        })
    }

    /// Ends the thread as soon as it has time, and its memory with it. It has when the receiver says so.
    pub(super) fn retire(self) -> Option<Receiver<DaemonStatus>> {
        self.daemon.0.shutdown().ok()
    }

    /// Says goodbye and waits for the end of the thread.
    pub(super) async fn close(self) {
        let name = format!("{}.{SERVICE}", hex(&self.instance));
        if let Ok(done) = self.daemon.0.unregister(&name) {
            // Whatever it answers, the daemon ends next.
            let _ = done.recv_async().await;
        }
        if let Ok(done) = self.daemon.0.shutdown() {
            let _ = done.recv_async().await;
        }
    }
}

/// The thread ends with its handle.
struct Daemon(ServiceDaemon);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended already, or is too busy to hear: then it stays until the process ends.
        let _ = self.0.shutdown();
    }
}

impl std::fmt::Debug for Daemon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Daemon")
    }
}

/// What an event means to us, if anything.
pub(super) fn input(event: ServiceEvent) -> Option<Input> {
    match event {
        ServiceEvent::ServiceResolved(service) => announced(&service),
        ServiceEvent::ServiceRemoved(_, name) => Some(Input::Withdrawn { instance: instance(&name)? }),
        _ => None,
    }
}

fn announced(service: &ResolvedService) -> Option<Input> {
    let txt = &service.txt_properties;
    let bytes: usize =
        txt.iter().map(|entry| 2 + entry.key().len() + entry.val().map_or(0, <[u8]>::len)).sum();
    if bytes > MAX_TXT_BYTES || txt.get_property_val_str(VERSION_KEY) != Some(VERSION) || service.port == 0 {
        return None;
    }
    let id = unhex(txt.get_property_val_str(ID_KEY)?)?;
    let addresses =
        service.addresses.iter().map(|ip| address(ip, service.port)).take(MAX_ADDRESSES).collect();
    Some(Input::Announced { instance: instance(&service.fullname)?, id, addresses })
}

fn address(ip: &ScopedIp, port: u16) -> SocketAddr {
    match ip {
        ScopedIp::V6(v6) if v6.addr().is_unicast_link_local() => {
            SocketAddrV6::new(*v6.addr(), port, 0, v6.scope_id().index).into()
        }
        ip => (ip.to_ip_addr(), port).into(),
    }
}

fn instance(name: &str) -> Option<Instance> {
    unhex(name.strip_suffix(SERVICE)?.strip_suffix('.')?)
}

fn subtype(tag: Tag) -> String {
    format!("_{}._sub.{SERVICE}", hex(&tag.0))
}

fn txt(record: &Record) -> [(&'static str, String); 3] {
    [
        (VERSION_KEY, VERSION.to_owned()),
        (ID_KEY, hex(&record.id)),
        (SEQUENCE_KEY, record.sequence.to_string()),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 8]> {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let well_formed = text.len() == 16 && text.bytes().all(lower);
    let number = u64::from_str_radix(text, 16).ok()?;
    well_formed.then(|| number.to_be_bytes())
}

const SERVICE: &str = "_civicbase._tcp.local.";
const VERSION_KEY: &str = "v";
const VERSION: &str = "1";
const ID_KEY: &str = "i";
const SEQUENCE_KEY: &str = "n";
/// Most bytes of a TXT record.
const MAX_TXT_BYTES: usize = 400;
/// Most records that the daemon may remember, about 1 MiB: it has no bound of its own.
const MAX_CACHED_RECORDS: i64 = 4096;
/// Times that the daemon may be asked in vain: it hears no command while packets come faster than it reads.
const MAX_UNANSWERED: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_dns_and_the_txt_record_its_bound() {
        let subtype = subtype(Tag([0xff; 16]));
        assert_eq!(subtype, "_ffffffffffffffffffffffffffffffff._sub._civicbase._tcp.local.");
        assert!(subtype.split('.').all(|label| label.len() <= 63));
        let record = Record { id: [0xff; 8], port: u16::MAX, sequence: u32::MAX };
        let bytes: usize = txt(&record).iter().map(|(key, value)| 2 + key.len() + value.len()).sum();
        assert_eq!(bytes, 36);
        assert!(bytes <= MAX_TXT_BYTES);
    }

    #[test]
    fn only_names_of_ours_are_instances() {
        assert_eq!(instance("00000000000000ff._civicbase._tcp.local."), Some([0, 0, 0, 0, 0, 0, 0, 255]));
        for name in [
            "",
            "_civicbase._tcp.local.",
            "00000000000000FF._civicbase._tcp.local.",
            "+0000000000000ff._civicbase._tcp.local.",
            "0000000000000000ff._civicbase._tcp.local.",
            "00000000000000ff._other._tcp.local.",
        ] {
            assert_eq!(instance(name), None, "{name}");
        }
    }
}
