//! MCP: tools of Model Context Protocol servers for programs, and a sandbox as such a server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::limits::milliseconds;
use crate::request::Operation;
use crate::result::{count, list, text};
use crate::runtime::Handle;
use crate::session::SessionBuilder;
use crate::value::{Map, Value};

/// How an MCP server is started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct McpServer {
    /// Its namespace in programs, without spaces.
    pub name: String,
    /// The program, by path or found in `PATH`.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables beside this process's own.
    pub env: BTreeMap<String, String>,
    /// Its working directory; default this process's.
    pub cwd: Option<PathBuf>,
    /// How long starting may take; default 30 s.
    pub timeout: Option<Duration>,
    /// The configuration file that it is from, if it is from one.
    pub source: Option<PathBuf>,
}

/// A tool of a connected server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct McpTool {
    /// How a program writes it, such as `mcp["my-server"].search`.
    pub name: String,
    /// The server.
    pub server: String,
    /// Its name on the server.
    pub tool: String,
    /// What it does.
    pub description: String,
    /// The JSON schema of its parameters, as text; empty: it has none.
    pub schema: String,
}

/// What [`McpManager::discover`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Discovered {
    /// The servers.
    pub servers: Vec<McpServer>,
    /// Why files were left out.
    pub warnings: Vec<String>,
}

/// What [`McpManager::connect_all`] could not do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectOutcome {
    /// The name of each server that was not connected, and why.
    pub failures: Vec<(String, String)>,
    /// Why files were left out.
    pub warnings: Vec<String>,
}

/// Connections to MCP servers: processes that speak the protocol over their standard input and output.
///
/// Programs get their tools by `with_mcp`: those of the servers that are connected then. Clones are the same manager; the servers end
/// with the last one.
///
/// ```no_run
/// # async fn example() -> Result<(), eryx::Error> {
/// use eryx::{McpManager, McpServer, Sandbox};
///
/// let mcp = McpManager::new().await?;
/// let time = McpServer { name: "time".into(), command: "uvx".into(), args: vec!["mcp-server-time".into()], ..Default::default() };
/// mcp.connect(time).await?;
/// let sandbox = Sandbox::builder().with_mcp(&mcp).build().await?;
/// println!("{}", sandbox.execute("print(await mcp.time.get_current_time(timezone='UTC'))").await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct McpManager(Arc<Handle>);

/// This process's variables, as it has set them; what is not text is left out.
fn environ() -> Value {
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Value::Map(variables.map(|(name, value)| (name, Value::Text(value))).collect())
}

fn texts<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Value {
    Value::List(texts.into_iter().map(|text| Value::Text(text.into())).collect())
}

fn paths(operation: Operation, config_paths: Option<&[&Path]>) -> Operation {
    let operation = operation.with("environ", environ());
    match config_paths {
        Some(paths) => operation.with("config_paths", texts(paths.iter().map(|path| path.to_string_lossy()))),
        None => operation,
    }
}

fn take_texts(fields: &mut Map, name: &str) -> Vec<String> {
    list(fields.remove(name)).into_iter().filter_map(text).collect()
}

impl McpManager {
    /// A manager without connections.
    ///
    /// # Errors
    /// [`Error::Initialization`](crate::Error::Initialization) when the library is not found.
    pub async fn new() -> Result<McpManager> {
        let (handle, _) = Handle::make(Operation::new("mcp.new"), "mcp").await?;
        Ok(McpManager(Arc::new(handle)))
    }

    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }

    /// Starts a server and asks for its tools; how many there are.
    ///
    /// # Errors
    /// [`Error::Initialization`](crate::Error::Initialization) when it does not start or does not speak the protocol.
    pub async fn connect(&self, server: McpServer) -> Result<u64> {
        let env = server.env.into_iter().map(|(name, value)| (name, Value::Text(value))).collect::<Map>();
        let mut operation = self.0.operation("connect").with("name", server.name).with("command", server.command);
        operation = operation.with("args", texts(server.args)).with("env", env).with("environ", environ());
        if let Some(cwd) = server.cwd {
            operation = operation.with("cwd", cwd.to_string_lossy().into_owned());
        }
        if server.timeout.is_some() {
            operation = operation.with("timeout_ms", milliseconds(server.timeout));
        }
        let fields = operation.perform().await?;
        Ok(fields.get("tool_count").and_then(count).unwrap_or(0))
    }

    /// Starts the servers of configuration files side by side; `None`: of those where the usual programs keep them. One that fails
    /// does not prevent the others.
    ///
    /// # Errors
    /// [`Error::Initialization`](crate::Error::Initialization) for a file that is not there.
    pub async fn connect_all(&self, config_paths: Option<&[&Path]>) -> Result<ConnectOutcome> {
        let mut fields = paths(self.0.operation("connect_all"), config_paths).perform().await?;
        let failures = list(fields.remove("failures")).into_iter().filter_map(|failure| {
            let mut parts = list(Some(failure)).into_iter();
            Some((parts.next().and_then(text)?, parts.next().and_then(text)?))
        });
        let failures = failures.collect();
        Ok(ConnectOutcome { failures, warnings: take_texts(&mut fields, "warnings") })
    }

    /// The servers of configuration files, without starting them.
    ///
    /// # Errors
    /// [`Error::Initialization`](crate::Error::Initialization) for a file that is not there.
    pub async fn discover(config_paths: Option<&[&Path]>) -> Result<Discovered> {
        let mut fields = paths(Operation::new("mcp.discover"), config_paths).perform().await?;
        let servers = list(fields.remove("servers")).into_iter().filter_map(server).collect();
        Ok(Discovered { servers, warnings: take_texts(&mut fields, "warnings") })
    }

    /// The tools of all servers.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed).
    pub async fn list_tools(&self) -> Result<Vec<McpTool>> {
        let mut fields = self.0.operation("list_tools").perform().await?;
        Ok(list(fields.remove("tools")).into_iter().filter_map(tool).collect())
    }

    /// The connected servers, sorted.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed).
    pub async fn server_names(&self) -> Result<Vec<String>> {
        let mut fields = self.0.operation("server_names").perform().await?;
        Ok(take_texts(&mut fields, "server_names"))
    }

    /// Ends all servers; what programs then call of them fails.
    ///
    /// # Errors
    /// None that matter: closing again does nothing.
    pub async fn close(self) -> Result<()> {
        self.0.operation("close").perform().await.map(drop)
    }
}

fn tool(record: Value) -> Option<McpTool> {
    let Value::Map(mut record) = record else { return None };
    let mut take = |name: &str| record.remove(name).and_then(text).unwrap_or_default();
    Some(McpTool {
        name: take("name"),
        server: take("server"),
        tool: take("tool"),
        description: take("description"),
        schema: take("schema"),
    })
}

fn server(record: Value) -> Option<McpServer> {
    let Value::Map(mut record) = record else { return None };
    let env = match record.remove("env") {
        Some(Value::Map(env)) => env.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect(),
        _ => BTreeMap::new(),
    };
    let args = take_texts(&mut record, "args");
    let mut take = |name: &str| record.remove(name).and_then(text).filter(|text| !text.is_empty());
    Some(McpServer {
        name: take("name")?,
        command: take("command")?,
        args,
        env,
        cwd: take("cwd").map(PathBuf::from),
        timeout: None,
        source: take("source").map(PathBuf::from),
    })
}

/// Makes this process an MCP server on its standard input and output, with one tool, `run_python`, whose programs share a session of
/// these settings. Ends when the client goes; dropping the future ends it, too.
///
/// # Errors
/// As [`SessionBuilder::build`].
pub async fn serve(session: SessionBuilder) -> Result<()> {
    session.serve().await
}
