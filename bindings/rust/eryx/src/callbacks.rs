//! Host functions that the program can await.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, Stream, StreamExt};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::library::Library;
use crate::value::{Map, Value, to_value};

/// Why a host function failed: what the program catches as `CallbackError`.
///
/// Any `std::error::Error` becomes one by `?`. The program sees its text, and nothing else of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackError {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) suspends: bool,
}

impl CallbackError {
    /// An error with the code `callback`.
    pub fn new(message: impl Into<String>) -> CallbackError {
        CallbackError::with_code("callback", message)
    }

    /// An error with a code of your choice, which the program finds in `e.code`.
    pub fn with_code(code: impl Into<String>, message: impl Into<String>) -> CallbackError {
        CallbackError { code: code.into(), message: message.into(), suspends: false }
    }

    /// No error of the call: suspends the execution, for example until a person has approved the call. It ends with
    /// [`Error::Suspended`](crate::Error::Suspended); with a journal
    /// ([`Execute::with_journal`](crate::Execute::with_journal)) it can go on later.
    pub fn suspend(reason: impl Into<String>) -> CallbackError {
        CallbackError { code: "suspended".to_owned(), message: reason.into(), suspends: true }
    }
}

impl<E: std::error::Error> From<E> for CallbackError {
    fn from(error: E) -> CallbackError {
        CallbackError::new(error.to_string())
    }
}

/// What a host function answers.
pub(crate) type Answer = Result<Value, CallbackError>;

type Function<R> = Arc<dyn Fn(Map) -> R + Send + Sync>;

/// How a host function runs.
#[derive(Clone)]
pub(crate) enum Kind {
    Async(Function<BoxFuture<'static, Answer>>),
    Stream(Function<BoxStream<'static, Answer>>),
    Blocking(Function<Answer>),
    Inline(Function<Answer>),
}

/// A host function: its name in the program, what it takes, and what it does.
///
/// The arguments are one type that serde can deserialize, usually a struct; its JSON schema, with the fields in their order,
/// is what the program sees as the parameters. `()` takes none, [`Map`] takes any by name. `#[eryx::callback]` makes a
/// callback of a function as it is.
///
/// ```
/// use eryx::{Callback, CallbackError};
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Query { symbol: String }
///
/// let prices = std::collections::HashMap::from([("ACME", 12.5)]);
/// let get_price = Callback::new("get_price", move |query: Query| {
///     let price = prices.get(query.symbol.as_str()).copied();
///     async move { price.ok_or_else(|| CallbackError::new("no such symbol")) }
/// });
/// ```
#[derive(Clone)]
pub struct Callback {
    pub(crate) name: String,
    description: String,
    schema: String,
    timeout: Option<Duration>,
    pub(crate) kind: Kind,
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("name", &self.name).field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// Makes arguments of what the program has passed.
fn arguments<A: DeserializeOwned>(map: Map) -> Result<A, CallbackError> {
    A::deserialize(Value::Map(map)).map_err(|error| CallbackError::with_code("invalid_arguments", error.to_string()))
}

/// Makes an answer of what a function has returned.
fn answer<T: Serialize, E: Into<CallbackError>>(result: Result<T, E>) -> Answer {
    let value = result.map_err(Into::into)?;
    to_value(&value).map_err(|error| CallbackError::with_code("value", error.to_string()))
}

impl Callback {
    fn of<A: JsonSchema>(name: impl Into<String>, kind: Kind) -> Callback {
        Callback { name: name.into(), description: String::new(), schema: schema_of::<A>(), timeout: None, kind }
    }

    /// An async function. It runs in the task that awaits the execution, which may be of any runtime; calls that the program
    /// has gathered run at once. When nobody wants the answer any more, its future is dropped.
    pub fn new<A, F, Fut, T, E>(name: impl Into<String>, function: F) -> Callback
    where
        A: DeserializeOwned + JsonSchema,
        F: Fn(A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Serialize,
        E: Into<CallbackError>,
    {
        let run = move |map: Map| -> BoxFuture<'static, Answer> {
            match arguments(map) {
                Ok(arguments) => {
                    let future = function(arguments);
                    Box::pin(async move { answer(future.await) })
                }
                Err(error) => Box::pin(std::future::ready(Err(error))),
            }
        };
        Callback::of::<A>(name, Kind::Async(Arc::new(run)))
    }

    /// A function that gives items one after the other, to `async for`. It may be 32 items ahead of the program. Leaving the
    /// loop early drops the stream.
    pub fn stream<A, F, S, T, E>(name: impl Into<String>, function: F) -> Callback
    where
        A: DeserializeOwned + JsonSchema,
        F: Fn(A) -> S + Send + Sync + 'static,
        S: Stream<Item = Result<T, E>> + Send + 'static,
        T: Serialize + 'static,
        E: Into<CallbackError> + 'static,
    {
        let run = move |map: Map| -> BoxStream<'static, Answer> {
            match arguments(map) {
                Ok(arguments) => function(arguments).map(answer).boxed(),
                Err(error) => futures_util::stream::once(std::future::ready(Err(error))).boxed(),
            }
        };
        Callback::of::<A>(name, Kind::Stream(Arc::new(run)))
    }

    /// A function that may block. Each call gets a thread: one of tokio's with the feature `tokio` in its runtime, otherwise
    /// a new one.
    pub fn blocking<A, F, T, E>(name: impl Into<String>, function: F) -> Callback
    where
        A: DeserializeOwned + JsonSchema,
        F: Fn(A) -> Result<T, E> + Send + Sync + 'static,
        T: Serialize,
        E: Into<CallbackError>,
    {
        Callback::of::<A>(name, Kind::Blocking(Arc::new(move |map| answer(function(arguments(map)?)))))
    }

    /// A function that returns at once. It runs on the library's own thread, without a task being woken: a call costs about a
    /// microsecond. It must not block, and must not use eryx.
    pub fn inline<A, F, T, E>(name: impl Into<String>, function: F) -> Callback
    where
        A: DeserializeOwned + JsonSchema,
        F: Fn(A) -> Result<T, E> + Send + Sync + 'static,
        T: Serialize,
        E: Into<CallbackError>,
    {
        Callback::of::<A>(name, Kind::Inline(Arc::new(move |map| answer(function(arguments(map)?)))))
    }

    /// What it does, for `help()` and `list_callbacks()` in the program.
    pub fn with_description(mut self, description: impl Into<String>) -> Callback {
        self.description = description.into();
        self
    }

    /// The JSON schema of its parameters, instead of the one of the arguments' type.
    pub fn with_schema(mut self, schema: &serde_json::Value) -> Callback {
        self.schema = schema.to_string();
        self
    }

    /// How long a call may take, or an item of a stream, instead of `callback_timeout`.
    pub fn with_timeout(mut self, timeout: Duration) -> Callback {
        self.timeout = Some(timeout);
        self
    }

    /// The name in the program.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The JSON schema of the parameters, as text.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// How the library is told of it.
    fn message(&self) -> Value {
        let mut message = Map::from([
            ("name".to_owned(), Value::Text(self.name.clone())),
            ("description".to_owned(), Value::Text(self.description.clone())),
            ("schema".to_owned(), Value::Text(self.schema.clone())),
        ]);
        if matches!(self.kind, Kind::Stream(_)) {
            message.insert("stream".to_owned(), Value::Bool(true));
        }
        if let Some(timeout) = self.timeout {
            message.insert("timeout_ms".to_owned(), crate::limits::milliseconds(Some(timeout)));
        }
        Value::Map(message)
    }
}

/// The schema of a type; of one that is no object, such as `()`, no parameters.
fn schema_of<A: JsonSchema>() -> String {
    let schema = schemars::generate::SchemaSettings::draft2020_12()
        .with(|settings| settings.meta_schema = None)
        .into_generator()
        .into_root_schema_for::<A>();
    match schema.get("type").and_then(serde_json::Value::as_str) {
        Some("object") => serde_json::to_string(&schema).unwrap_or_default(),
        _ => r#"{"type":"object","properties":{}}"#.to_owned(),
    }
}

/// Callbacks by name; of two with one name the last one counts.
#[derive(Clone, Default)]
pub(crate) struct Callbacks {
    by_name: Arc<BTreeMap<String, Callback>>,
    /// What decides about connections, if anything does.
    pub(crate) connect: Option<Callback>,
    /// Libraries, whose host functions are served with the others but announced with the libraries.
    pub(crate) libraries: Library,
}

impl Callbacks {
    pub(crate) fn add(&mut self, callback: Callback) {
        Arc::make_mut(&mut self.by_name).insert(callback.name.clone(), callback);
    }

    pub(crate) fn extend(&mut self, others: &Callbacks) {
        let others_by_name = others.by_name.iter().map(|(name, callback)| (name.clone(), callback.clone()));
        Arc::make_mut(&mut self.by_name).extend(others_by_name);
        if others.connect.is_some() {
            self.connect = others.connect.clone();
        }
        self.libraries.extend(&others.libraries);
    }

    /// Without the libraries.
    pub(crate) fn without_libraries(mut self) -> Callbacks {
        self.libraries = Library::default();
        self
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Callback> {
        self.by_name.get(name).or_else(|| self.libraries.callback(name))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    pub(crate) fn has_inline(&self) -> bool {
        self.by_name.values().any(|callback| matches!(callback.kind, Kind::Inline(_))) || self.libraries.has_inline()
    }

    pub(crate) fn message(&self) -> Value {
        Value::List(self.by_name.values().map(Callback::message).collect())
    }
}
