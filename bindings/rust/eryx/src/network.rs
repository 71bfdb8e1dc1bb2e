//! What programs may reach on the network, and what they may send there without seeing it.

use std::future::Future;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::callbacks::{Callback, CallbackError};
use crate::limits::milliseconds;
use crate::result::{count, milliseconds as duration, text};
use crate::value::{Map, Value, map};

/// Grants the network, under rules. The default lets programs connect to every host whose address is public.
///
/// A rule for hosts is `[tcp://|udp://]host[:ports]`: host is a name, in which `*` stands for any characters, an address or a range of
/// addresses. `allowed_hosts` restricts: with one rule in it, nothing else is allowed. Every connection is decided on the address
/// that is dialled.
///
/// ```
/// let network = eryx::NetConfig::default().allow_host("api.example.com:443").allow_host("*.internal.example");
/// ```
///
/// With a secret, and a decision about each connection:
///
/// ```no_run
/// # async fn example() -> Result<(), eryx::Error> {
/// use eryx::{NetConfig, Sandbox, Secret};
///
/// let network = NetConfig::default()
///     .allow_host("api.example.com:443")
///     .on_connect(async |attempt| Ok(attempt.port == 443));
/// let sandbox = Sandbox::builder()
///     .with_network(&network)
///     .with_secret(Secret::new("API_TOKEN", "s3cr3t").allow_host("api.example.com"))
///     .build()
///     .await?;
/// let code = "
/// import os, urllib.request
/// request = urllib.request.Request('https://api.example.com/', headers={'Authorization': os.environ['API_TOKEN']})
/// print(urllib.request.urlopen(request).status)
/// ";
/// println!("{}", sandbox.execute(code).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct NetConfig {
    /// Sockets at once; default 10, `None`: no limit.
    pub max_connections: Option<u64>,
    /// How long one connect may take; default 30 s.
    pub connect_timeout: Duration,
    /// How long one read or write may wait, whatever timeout the program asks for; default 60 s.
    pub io_timeout: Duration,
    /// Rules; empty allows every host.
    pub allowed_hosts: Vec<String>,
    /// Rules; refused in any case.
    pub blocked_hosts: Vec<String>,
    /// Addresses that are refused whatever name led to them; `None`: all that are not public.
    pub blocked_networks: Option<Vec<String>>,
    /// Exempt from `blocked_networks`.
    pub allowed_networks: Vec<String>,
    /// Names that may lead into `blocked_networks`: only name hosts whose DNS you control.
    pub internal_hosts: Vec<String>,
    /// `443` or `8000-8999`; empty allows all.
    pub allowed_ports: Vec<String>,
    /// Refused.
    pub blocked_ports: Vec<String>,
    /// Addresses on which programs may listen, `localhost` for the loopback ones.
    pub listen: Vec<String>,
    /// Datagrams too.
    pub udp: bool,
    /// Trusted for TLS beside the system's; DER or PEM.
    pub root_certificates: Vec<Vec<u8>>,
    /// Trust `root_certificates` only.
    pub no_system_roots: bool,
    /// What TLS connections show to certain servers.
    pub client_certificates: Vec<ClientCertificate>,
    /// Programs may switch off the verification of certificates, and trust others.
    pub allow_insecure_tls: bool,
    /// What may be sent in the life of an interpreter; `None`: no limit.
    pub max_bytes_up: Option<u64>,
    /// What may be received.
    pub max_bytes_down: Option<u64>,
    /// How long an answer of the resolver is used again; default 30 s.
    pub dns_cache: Duration,
    /// Gives programs `await fetch(url)`.
    pub fetch: bool,
    /// Refuses sockets, so that only `fetch` is left.
    pub no_sockets: bool,
    /// What decides about each connection that the rules allow: [`NetConfig::on_connect`] sets it.
    pub on_connect: Option<Callback>,
}

/// What TLS connections show to certain servers. Programs see neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// PEM; may be a chain.
    pub certificate: Vec<u8>,
    /// PEM.
    pub key: Vec<u8>,
    /// Rules for the servers that it is for; empty: all.
    pub hosts: Vec<String>,
}

/// A connection that a program wants.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetAttempt {
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The name that the program resolved to the address, or the address.
    pub host: String,
    /// What will be dialled, or where a connection comes from.
    pub address: String,
    /// Likewise.
    pub port: u16,
    /// The program wants to listen on the address, or accepts a connection from there.
    #[serde(default)]
    pub listen: bool,
}

impl Default for NetConfig {
    fn default() -> NetConfig {
        NetConfig {
            max_connections: Some(10),
            connect_timeout: Duration::from_secs(30),
            io_timeout: Duration::from_secs(60),
            allowed_hosts: Vec::new(),
            blocked_hosts: Vec::new(),
            blocked_networks: None,
            allowed_networks: Vec::new(),
            internal_hosts: Vec::new(),
            allowed_ports: Vec::new(),
            blocked_ports: Vec::new(),
            listen: Vec::new(),
            udp: false,
            root_certificates: Vec::new(),
            no_system_roots: false,
            client_certificates: Vec::new(),
            allow_insecure_tls: false,
            max_bytes_up: None,
            max_bytes_down: None,
            dns_cache: Duration::from_secs(30),
            fetch: false,
            no_sockets: false,
            on_connect: None,
        }
    }
}

fn texts(texts: &[String]) -> Value {
    Value::List(texts.iter().map(|text| Value::Text(text.clone())).collect())
}

fn limit(limit: Option<u64>) -> Value {
    limit.map_or(Value::Int(-1), Value::from)
}

const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1"];

impl NetConfig {
    /// Reaches everything, the host's own services included, with 100 connections at once.
    pub fn permissive() -> NetConfig {
        NetConfig { max_connections: Some(100), blocked_networks: Some(Vec::new()), ..NetConfig::default() }
    }

    /// Adds a rule to `allowed_hosts`: what no rule allows is refused from now on.
    pub fn allow_host(mut self, pattern: impl Into<String>) -> NetConfig {
        self.allowed_hosts.push(pattern.into());
        self
    }

    /// Adds a rule to `blocked_hosts`.
    pub fn block_host(mut self, pattern: impl Into<String>) -> NetConfig {
        self.blocked_hosts.push(pattern.into());
        self
    }

    /// Adds a range of addresses to `allowed_networks`.
    pub fn allow_network(mut self, cidr: impl Into<String>) -> NetConfig {
        self.allowed_networks.push(cidr.into());
        self
    }

    /// Adds a rule to `internal_hosts`.
    pub fn allow_internal_host(mut self, pattern: impl Into<String>) -> NetConfig {
        self.internal_hosts.push(pattern.into());
        self
    }

    /// Allows the loopback addresses.
    pub fn allow_localhost(mut self) -> NetConfig {
        self.allowed_networks.extend(LOOPBACK.map(str::to_owned));
        if !self.allowed_hosts.is_empty() {
            self.allowed_hosts.extend(["localhost", "*.localhost"].map(str::to_owned));
            self.allowed_hosts.extend(LOOPBACK.map(str::to_owned));
        }
        self
    }

    /// Adds a certificate, DER or PEM, to `root_certificates`.
    pub fn with_root_cert(mut self, certificate: impl Into<Vec<u8>>) -> NetConfig {
        self.root_certificates.push(certificate.into());
        self
    }

    /// Asks about each connection that the rules allow: `Ok(false)` or an error refuses it.
    pub fn on_connect<F, Fut>(mut self, decide: F) -> NetConfig
    where
        F: Fn(NetAttempt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<bool, CallbackError>> + Send + 'static,
    {
        self.on_connect = Some(Callback::new("on_connect", decide));
        self
    }

    pub(crate) fn decider(&self) -> Option<Callback> {
        self.on_connect.clone()
    }

    /// As the library wants it.
    pub(crate) fn message(&self) -> Map {
        let certificates = self.client_certificates.iter().map(ClientCertificate::message).collect::<Vec<_>>();
        let roots: Vec<_> = self.root_certificates.iter().map(|bytes| Value::Bytes(bytes.clone())).collect();
        map! {
            "max_connections": limit(self.max_connections),
            "connect_timeout_ms": milliseconds(Some(self.connect_timeout)),
            "io_timeout_ms": milliseconds(Some(self.io_timeout)),
            "allowed_hosts": texts(&self.allowed_hosts),
            "blocked_hosts": texts(&self.blocked_hosts),
            "blocked_networks": self.blocked_networks.as_deref().map(texts),
            "allowed_networks": texts(&self.allowed_networks),
            "internal_hosts": texts(&self.internal_hosts),
            "allowed_ports": texts(&self.allowed_ports),
            "blocked_ports": texts(&self.blocked_ports),
            "listen": texts(&self.listen),
            "udp": self.udp,
            "root_certificates": roots,
            "no_system_roots": self.no_system_roots,
            "client_certificates": certificates,
            "allow_insecure_tls": self.allow_insecure_tls,
            "max_bytes_up": limit(self.max_bytes_up),
            "max_bytes_down": limit(self.max_bytes_down),
            "dns_cache_ms": milliseconds(Some(self.dns_cache)),
            "fetch": self.fetch,
            "no_sockets": self.no_sockets,
            "on_connect": self.on_connect.is_some(),
        }
    }
}

impl ClientCertificate {
    fn message(&self) -> Value {
        Value::Map(map! {
            "certificate": Value::Bytes(self.certificate.clone()),
            "key": Value::Bytes(self.key.clone()),
            "hosts": texts(&self.hosts),
        })
    }
}

/// A value that programs may send without seeing it: their environment has a placeholder, which is replaced in header values of
/// HTTP/1.x requests, on connections to hosts that the secret is for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    name: String,
    value: String,
    allowed_hosts: Vec<String>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret")
            .field("name", &self.name)
            .field("allowed_hosts", &self.allowed_hosts)
            .finish_non_exhaustive()
    }
}

impl Secret {
    /// A secret for the hosts that the network allows.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Secret {
        Secret { name: name.into(), value: value.into(), allowed_hosts: Vec::new() }
    }

    /// A rule for a host that it is for; with one, it is for no other.
    pub fn allow_host(mut self, pattern: impl Into<String>) -> Secret {
        self.allowed_hosts.push(pattern.into());
        self
    }

    pub(crate) fn message(&self) -> Value {
        Value::Map(map! {
            "name": self.name.as_str(),
            "value": self.value.as_str(),
            "allowed_hosts": texts(&self.allowed_hosts),
        })
    }
}

/// Where placeholders of secrets become `[REDACTED]`. Errors, traces and arguments of callbacks are scrubbed in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scrub {
    /// Standard output; default true.
    pub stdout: bool,
    /// Standard error; default true.
    pub stderr: bool,
    /// Files below `/data` and `/tmp`; default true.
    pub files: bool,
    /// The result variable, and what functions of the program return; default false.
    pub result: bool,
}

impl Default for Scrub {
    fn default() -> Scrub {
        Scrub { stdout: true, stderr: true, files: true, result: false }
    }
}

impl Scrub {
    pub(crate) fn message(self) -> Map {
        map! {"stdout": self.stdout, "stderr": self.stderr, "files": self.files, "result": self.result}
    }
}

/// One step of a program's on the network.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NetEvent {
    /// `resolve`, `connect`, `listen`, `accept`, or `close` of a connection.
    pub kind: String,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The name that the program resolved to the address, or the address.
    pub host: String,
    /// What was dialled, or where a connection comes from.
    pub address: Option<String>,
    /// Likewise.
    pub port: Option<u64>,
    /// The program listens, or accepts.
    pub listen: bool,
    /// Why it was refused; `None`: it was not.
    pub refused: Option<String>,
    /// Why it failed otherwise; `None`: it did not.
    pub error: Option<String>,
    /// What was sent; of `close` only.
    pub bytes_up: u64,
    /// What was received; of `close` only.
    pub bytes_down: u64,
    /// How long it took; of `close`, how long the connection lasted.
    pub duration: Duration,
}

impl NetEvent {
    pub(crate) fn from_record(record: Value) -> NetEvent {
        let Value::Map(mut record) = record else { return NetEvent::from_record(Value::Map(Map::new())) };
        let mut take = |name: &str| record.remove(name).unwrap_or_default();
        NetEvent {
            kind: text(take("kind")).unwrap_or_default(),
            protocol: text(take("protocol")).unwrap_or_default(),
            host: text(take("host")).unwrap_or_default(),
            address: text(take("address")),
            port: count(&take("port")),
            listen: take("listen") == Value::Bool(true),
            refused: text(take("refused")),
            error: text(take("error")),
            bytes_up: count(&take("bytes_up")).unwrap_or(0),
            bytes_down: count(&take("bytes_down")).unwrap_or(0),
            duration: duration(&take("duration_ms")),
        }
    }
}
