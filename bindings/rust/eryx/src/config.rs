//! What sandboxes, sessions, factories and pools are made with.

use std::path::{Path, PathBuf};

use crate::callbacks::Callbacks;
use crate::limits::ResourceLimits;
use crate::mcp::McpManager;
use crate::network::Secret;
use crate::value::{Map, Value};
use crate::vfs::VfsStorage;

/// How programs may use a [`Volume`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum VolumeMode {
    ReadOnly,
    ReadWrite,
    CopyOnWrite,
}

/// A directory or file of the host that programs see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    host_path: PathBuf,
    guest_path: String,
    mode: VolumeMode,
    quota_bytes: Option<u64>,
}

impl Volume {
    fn new(host_path: impl AsRef<Path>, guest_path: impl Into<String>, mode: VolumeMode) -> Volume {
        Volume { host_path: host_path.as_ref().to_owned(), guest_path: guest_path.into(), mode, quota_bytes: None }
    }

    /// Programs can read it at `guest_path`, an absolute path.
    pub fn read_only(host_path: impl AsRef<Path>, guest_path: impl Into<String>) -> Volume {
        Volume::new(host_path, guest_path, VolumeMode::ReadOnly)
    }

    /// Programs can change it, on the host.
    pub fn read_write(host_path: impl AsRef<Path>, guest_path: impl Into<String>) -> Volume {
        Volume::new(host_path, guest_path, VolumeMode::ReadWrite)
    }

    /// Programs can change it for themselves; the host's stays as it is.
    pub fn copy_on_write(host_path: impl AsRef<Path>, guest_path: impl Into<String>) -> Volume {
        Volume::new(host_path, guest_path, VolumeMode::CopyOnWrite)
    }

    /// By how much programs can make it grow.
    pub fn with_quota_bytes(mut self, quota_bytes: u64) -> Volume {
        self.quota_bytes = Some(quota_bytes);
        self
    }

    fn message(&self) -> Value {
        let mode = match self.mode {
            VolumeMode::ReadOnly => "read_only",
            VolumeMode::ReadWrite => "read_write",
            VolumeMode::CopyOnWrite => "copy_on_write",
        };
        Value::Map(crate::value::map! {
            "host_path": self.host_path.to_string_lossy().into_owned(),
            "guest_path": self.guest_path.as_str(),
            "mode": mode,
            "quota_bytes": self.quota_bytes,
        })
    }
}

/// A wheel, source distribution, archive or directory that programs may import from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    content: Content,
    drop_native: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Path(PathBuf),
    Data(Vec<u8>),
}

impl Package {
    /// A file or directory on the host.
    pub fn path(path: impl AsRef<Path>) -> Package {
        Package { content: Content::Path(path.as_ref().to_owned()), drop_native: false }
    }

    /// The content of a file.
    pub fn data(data: impl Into<Vec<u8>>) -> Package {
        Package { content: Content::Data(data.into()), drop_native: false }
    }

    /// Takes a wheel without its machine code, which cannot run here.
    pub fn drop_native(mut self) -> Package {
        self.drop_native = true;
        self
    }

    fn message(self) -> Value {
        let (name, value) = match self.content {
            Content::Path(path) => ("path", Value::Text(path.to_string_lossy().into_owned())),
            Content::Data(data) => ("data", Value::Bytes(data)),
        };
        Value::Map(Map::from([(name.to_owned(), value), ("drop_native".to_owned(), Value::Bool(self.drop_native))]))
    }
}

impl<P: AsRef<Path>> From<P> for Package {
    fn from(path: P) -> Package {
        Package::path(path)
    }
}

/// What all builders collect.
#[derive(Clone, Default)]
pub(crate) struct Config {
    pub(crate) limits: Option<ResourceLimits>,
    pub(crate) callbacks: Callbacks,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) packages: Vec<Package>,
    pub(crate) requirements: Vec<Value>,
    pub(crate) secrets: Vec<Secret>,
    /// What the configuration names by id, kept until the request is made.
    pub(crate) vfs: Option<VfsStorage>,
    pub(crate) mcp: Option<McpManager>,
    /// The fields that need no work.
    pub(crate) fields: Map,
}

impl Config {
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    /// As the library wants it; the callbacks are of no more use then.
    pub(crate) fn message(mut self, limits: Option<ResourceLimits>) -> Map {
        if let Some(limits) = self.limits.or(limits) {
            self.fields.insert("limits".to_owned(), limits.message().into());
        }
        let lists = [
            ("volumes", self.volumes.iter().map(Volume::message).collect::<Vec<_>>()),
            ("packages", self.packages.into_iter().map(Package::message).collect()),
            ("requirements", self.requirements),
            ("secrets", self.secrets.iter().map(Secret::message).collect()),
        ];
        for (name, list) in lists {
            if !list.is_empty() {
                self.fields.insert(name.to_owned(), list.into());
            }
        }
        if let Some(vfs) = &self.vfs {
            self.fields.insert("vfs".to_owned(), vfs.id().into());
        }
        if let Some(mcp) = &self.mcp {
            self.fields.insert("mcp".to_owned(), mcp.id().into());
        }
        if !self.callbacks.is_empty() {
            self.fields.insert("callbacks".to_owned(), self.callbacks.message());
        }
        if !self.callbacks.libraries.is_empty() {
            self.fields.insert("libraries".to_owned(), self.callbacks.libraries.message());
        }
        self.fields
    }
}

/// The settings that builders have in common, as methods.
macro_rules! settings {
    (callbacks) => {
        /// A host function that programs can await.
        pub fn with_callback(mut self, callback: impl Into<crate::Callback>) -> Self {
            self.config.callbacks.add(callback.into());
            self
        }

        /// Host functions that programs can await; of two with one name the last one counts.
        pub fn with_callbacks(mut self, callbacks: impl IntoIterator<Item = crate::Callback>) -> Self {
            callbacks.into_iter().for_each(|callback| self.config.callbacks.add(callback));
            self
        }
    };
    (libraries) => {
        /// A bundle of host functions, Python modules and stubs.
        pub fn with_library(mut self, library: &crate::Library) -> Self {
            self.config.callbacks.libraries.extend(library);
            self
        }

        /// Bundles of host functions, Python modules and stubs.
        pub fn with_libraries<'a>(mut self, libraries: impl IntoIterator<Item = &'a crate::Library>) -> Self {
            libraries.into_iter().for_each(|library| self.config.callbacks.libraries.extend(library));
            self
        }
    };
    (limits) => {
        /// Limits of each execution.
        pub fn with_resource_limits(mut self, limits: crate::ResourceLimits) -> Self {
            self.config.limits = Some(limits);
            self
        }
    };
    (requirements) => {
        /// A package to be fetched by the host's pip with what it needs, such as `jinja2>=3`: pure-Python wheels only.
        pub fn with_requirement(mut self, requirement: impl Into<String>) -> Self {
            self.config.requirements.push(crate::Value::Text(requirement.into()));
            self
        }

        /// Where names, versions and hashes of what the requirements have led to are kept; if it is there, exactly that is used.
        pub fn with_lock_file(mut self, path: impl AsRef<std::path::Path>) -> Self {
            self.config.set("lock_file", path.as_ref().to_string_lossy().into_owned());
            self
        }
    };
    (packages) => {
        /// A wheel, archive or directory that programs may import from.
        pub fn with_package(mut self, package: impl Into<crate::Package>) -> Self {
            self.config.packages.push(package.into());
            self
        }
    };
    (program) => {
        crate::config::settings!(callbacks);
        crate::config::settings!(libraries);
        crate::config::settings!(limits);
        crate::config::settings!(packages);
        crate::config::settings!(requirements);

        /// Keeps the writable files in a storage that outlives the program and can be shared.
        pub fn with_vfs(mut self, vfs: &crate::VfsStorage) -> Self {
            self.config.vfs = Some(vfs.clone());
            self
        }

        /// Where the writable files are, instead of `/data`, which then is not there.
        pub fn with_vfs_mount_path(mut self, path: impl Into<String>) -> Self {
            self.config.set("vfs_mount_path", path.into());
            self
        }

        /// The tools of MCP servers, as `await mcp.<server>.<tool>(...)`: those of the servers that are connected now.
        pub fn with_mcp(mut self, mcp: &crate::McpManager) -> Self {
            self.config.mcp = Some(mcp.clone());
            self
        }

        /// Grants the network, under rules; without it there is none.
        pub fn with_network(mut self, network: &crate::NetConfig) -> Self {
            self.config.callbacks.connect = network.decider();
            self.config.set("network", network.message());
            self
        }

        /// A value that programs may send, in headers to certain hosts, without seeing it.
        pub fn with_secret(mut self, secret: crate::Secret) -> Self {
            self.config.secrets.push(secret);
            self
        }

        /// Where placeholders of secrets become `[REDACTED]`.
        pub fn with_scrub(mut self, scrub: crate::Scrub) -> Self {
            self.config.set("scrub", scrub.message());
            self
        }

        /// Hides the values of secrets in HTTP responses of the hosts that they may be sent to.
        pub fn with_redact_responses(mut self) -> Self {
            self.config.set("redact_responses", true);
            self
        }

        /// A directory or file of the host that programs see.
        pub fn with_volume(mut self, volume: crate::Volume) -> Self {
            self.config.volumes.push(volume);
            self
        }

        /// The global whose value becomes the result; default `result`.
        pub fn with_result_variable(mut self, name: impl Into<String>) -> Self {
            self.config.set("result_variable", name.into());
            self
        }

        /// The program's `sys.argv`.
        pub fn with_args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
            let args: Vec<crate::Value> = args.into_iter().map(|arg| crate::Value::Text(arg.into())).collect();
            self.config.set("args", args);
            self
        }

        /// An environment variable that programs see.
        pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            let env = self.config.fields.entry("env".to_owned()).or_insert_with(|| crate::Map::new().into());
            if let crate::Value::Map(env) = env {
                env.insert(name.into(), crate::Value::Text(value.into()));
            }
            self
        }

        /// Records lines, calls and callbacks in the result.
        pub fn with_trace(mut self) -> Self {
            self.config.set("trace", true);
            self
        }

        /// How many of them at most.
        pub fn with_max_trace_events(mut self, count: u32) -> Self {
            self.config.set("max_trace_events", count);
            self
        }
    };
}
pub(crate) use settings;
