//! The cases of tests/vectors, which every language runs.
#![forbid(unsafe_code)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use eryx::{
    BigInt, Callback, CallbackError, Error, ExecuteResult, Library, Map, NetConfig, ResourceLimits, Result, Sandbox,
    Scrub, Secret, Session, Value, to_value,
};
use serde_json::Value as Json;
use support::matchers::same;

const SEPARATOR: &str = "\n# --- next ---\n";

type Answer = Result<Value, CallbackError>;

/// How `sleep_ms` sleeps, which depends on the runtime.
type Sleep = fn(&str) -> Callback;

fn number(arguments: &Map, name: &str) -> i64 {
    arguments[name].as_i64().unwrap()
}

fn add(arguments: Map) -> Answer {
    let (a, b) = (&arguments["a"], &arguments["b"]);
    Ok(match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => Value::Int(a + b),
        _ => Value::Float(a.as_f64().unwrap() + b.as_f64().unwrap()),
    })
}

fn concat(mut arguments: Map) -> Answer {
    let parts: Vec<String> = arguments.remove("parts").unwrap_or_default().to()?;
    let separator: Option<String> = arguments.remove("separator").unwrap_or_default().to()?;
    Ok(Value::Text(parts.join(&separator.unwrap_or_default())))
}

async fn bytes_back(mut arguments: Map) -> Answer {
    let data: Vec<u8> = arguments.remove("data").unwrap_or_default().to()?;
    Ok(Value::Bytes(data.into_iter().rev().collect()))
}

async fn fail(arguments: Map) -> Answer {
    Err(CallbackError::new(arguments["message"].as_str().unwrap()))
}

async fn never(_: Map) -> Answer {
    std::future::pending().await
}

/// One of the ten host functions; all kinds are used.
fn host_function(name: &str, sleep: Sleep) -> Callback {
    match name {
        "add" => Callback::inline(name, add),
        "echo" => {
            Callback::new(name, async |mut arguments: Map| Answer::Ok(arguments.remove("value").unwrap_or_default()))
        }
        "concat" => Callback::blocking(name, concat),
        "sleep_ms" => sleep(name),
        "fail" => Callback::new(name, fail),
        "get_list" => Callback::new(name, async |arguments: Map| {
            Ok::<_, CallbackError>((0..number(&arguments, "n")).collect::<Vec<_>>())
        }),
        "big_int" => {
            Callback::inline(name, |arguments: Map| Answer::Ok((BigInt::from(1) << number(&arguments, "bits")).into()))
        }
        "bytes_back" => Callback::new(name, bytes_back),
        "counter" => {
            let count = AtomicI64::new(1);
            Callback::inline(name, move |_: Map| Ok::<_, CallbackError>(count.fetch_add(1, Ordering::Relaxed)))
        }
        "never" => Callback::new(name, never),
        other => panic!("there is no host function {other}"),
    }
}

/// `limits` of a case.
fn limits(case: &Json) -> ResourceLimits {
    let mut limits = ResourceLimits::default();
    for (name, value) in case["config"]["limits"].as_object().into_iter().flatten() {
        let number = value.as_u64().unwrap();
        match name.as_str() {
            "execution_timeout_ms" => limits.execution_timeout = Some(Duration::from_millis(number)),
            "callback_timeout_ms" => limits.callback_timeout = Some(Duration::from_millis(number)),
            "max_fuel" => limits.max_fuel = Some(number),
            "max_memory_bytes" => limits.max_memory_bytes = Some(number),
            "max_output_bytes" => limits.max_output_bytes = Some(number),
            "max_callback_invocations" => limits.max_callback_invocations = Some(number),
            other => panic!("the runner does not know the limit {other}"),
        }
    }
    limits
}

/// The texts of a list.
fn texts(list: &Json) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// `network` of a case.
fn network(fields: &Json) -> NetConfig {
    let mut network = NetConfig::default();
    for (name, value) in fields.as_object().unwrap() {
        match name.as_str() {
            "allowed_hosts" => network.allowed_hosts = texts(value),
            "blocked_hosts" => network.blocked_hosts = texts(value),
            "blocked_networks" => network.blocked_networks = Some(texts(value)),
            "allowed_networks" => network.allowed_networks = texts(value),
            "allowed_ports" => network.allowed_ports = texts(value),
            other => panic!("the runner does not know the network's {other}"),
        }
    }
    network
}

/// One of `secrets` of a case.
fn secret(fields: &Json) -> Secret {
    let secret = Secret::new(fields["name"].as_str().unwrap(), fields["value"].as_str().unwrap());
    texts(&fields["allowed_hosts"]).into_iter().fold(secret, |secret, host| secret.allow_host(host))
}

/// `scrub` of a case.
fn scrub(fields: &Json) -> Scrub {
    let mut scrub = Scrub::default();
    for (name, value) in fields.as_object().unwrap() {
        let wanted = value.as_bool().unwrap();
        match name.as_str() {
            "stdout" => scrub.stdout = wanted,
            "result" => scrub.result = wanted,
            other => panic!("the runner does not know the scrubbed {other}"),
        }
    }
    scrub
}

/// `libraries` of a case.
fn libraries(case: &Json, callbacks: impl Fn(&Json) -> Vec<Callback>) -> Vec<Library> {
    let library = |fields: &Json| {
        let library = Library::new(fields["name"].as_str().unwrap())
            .with_stubs(fields["stubs"].as_str().unwrap_or_default())
            .with_callbacks(callbacks(&fields["callbacks"]));
        let modules = fields["modules"].as_object().into_iter().flatten();
        modules.fold(library, |library, (name, source)| library.with_module(name, source.as_str().unwrap()))
    };
    case["config"]["libraries"].as_array().into_iter().flatten().map(library).collect()
}

/// The builder's settings, which sandboxes and sessions share.
macro_rules! configured {
    ($builder:expr, $case:expr, $callbacks:expr, $libraries:expr) => {{
        let mut builder = $builder.with_resource_limits(limits($case)).with_callbacks($callbacks);
        for (name, value) in $case["config"].as_object().into_iter().flatten() {
            builder = match name.as_str() {
                "limits" => builder,
                "result_variable" => builder.with_result_variable(value.as_str().unwrap()),
                "args" => builder.with_args(value.as_array().unwrap().iter().map(|arg| arg.as_str().unwrap())),
                "env" => value
                    .as_object()
                    .unwrap()
                    .iter()
                    .fold(builder, |builder, (name, value)| builder.with_env(name, value.as_str().unwrap())),
                "libraries" => builder, // among the case's own
                "network" => builder.with_network(&network(value)),
                "secrets" => {
                    value.as_array().unwrap().iter().fold(builder, |builder, one| builder.with_secret(secret(one)))
                }
                "scrub" => builder.with_scrub(scrub(value)),
                other => panic!("the runner does not know the setting {other}"),
            };
        }
        builder.with_libraries($libraries)
    }};
}

enum Target {
    Sandbox(Sandbox),
    Session(Session),
}

/// One way to run the steps of a case.
struct Runner {
    case: Json,
    callbacks: Vec<Callback>,
    libraries: Vec<Library>,
    target: Target,
    parts: std::vec::IntoIter<String>,
}

impl Runner {
    /// Makes what the case runs in; the error is that of making it.
    async fn new(path: &Path, index: &Json, sleep: Sleep) -> Result<Runner> {
        let case: Json = read(path);
        let schema = |name: &str| &index["host_functions"][name]["schema"];
        let functions = |names: &Json| -> Vec<Callback> {
            texts(names).iter().map(|name| host_function(name, sleep).with_schema(schema(name))).collect()
        };
        let (callbacks, libraries) = (functions(&case["callbacks"]), libraries(&case, functions));
        let target = if case["session"] == true {
            Target::Session(configured!(Session::builder(), &case, callbacks.clone(), &libraries).build().await?)
        } else {
            Target::Sandbox(configured!(Sandbox::builder(), &case, callbacks.clone(), &libraries).build().await?)
        };
        let program = fs::read_to_string(path.with_extension("py")).unwrap();
        let mut parts: Vec<_> =
            program.trim_end_matches('\n').split(SEPARATOR).map(|part| format!("{part}\n")).collect();
        if program.is_empty() {
            parts.clear();
        }
        Ok(Runner { case, callbacks, libraries, target, parts: parts.into_iter() })
    }

    fn session(&self) -> &Session {
        match &self.target {
            Target::Session(session) => session,
            Target::Sandbox(_) => panic!("the case needs a session"),
        }
    }

    async fn execute(&mut self) -> Result<ExecuteResult> {
        let code = self.parts.next().expect("a part of the program for each step");
        match &self.target {
            Target::Sandbox(sandbox) => sandbox.execute(&code).await,
            Target::Session(session) => session.execute(&code).await,
        }
    }

    /// What a step gives, by the names of the result record.
    async fn step(&mut self, step: &Json) -> Result<BTreeMap<String, Value>> {
        let name = step["name"].as_str().unwrap_or_default();
        let one = |name: &str, value: Value| Ok(BTreeMap::from([(name.to_owned(), value)]));
        match step["op"].as_str().unwrap() {
            "execute" => return Ok(record(&self.execute().await?)),
            "clear_state" => self.session().clear_state().await?,
            "reset" => self.session().reset().await?,
            "execution_count" => return one("count", self.session().execution_count().await?.into()),
            "call" => {
                let args = step["args"].as_array().into_iter().flatten();
                let call = args.fold(self.session().call(name), |call, arg| call.arg(arg));
                let kwargs = step["kwargs"].as_object().into_iter().flatten();
                return one("value", kwargs.fold(call, |call, (name, value)| call.kwarg(name, value)).await?);
            }
            "type_stubs" => {
                let text = match &self.target {
                    Target::Sandbox(sandbox) => sandbox.type_stubs().await?,
                    Target::Session(session) => session.type_stubs().await?,
                };
                return one("text", text.into());
            }
            "get" => return one("value", self.session().get(name).await?),
            "set" => self.session().set(name, &step["value"]).await?,
            "snapshot_and_restore_in_new" => {
                let snapshot = self.session().snapshot_state().await?;
                let session = configured!(Session::builder(), &self.case, self.callbacks.clone(), &self.libraries)
                    .build()
                    .await?;
                session.restore_state(snapshot).await?;
                self.target = Target::Session(session);
            }
            "fork_and_use_copy" => self.target = Target::Session(self.session().fork().await?),
            other => panic!("the runner does not know the step {other}"),
        }
        Ok(BTreeMap::new())
    }
}

fn text(text: Option<&String>) -> Value {
    text.cloned().into()
}

fn record(result: &ExecuteResult) -> BTreeMap<String, Value> {
    let value: Option<Json> = result.result().unwrap();
    let fields = [
        ("stdout", Value::Text(result.stdout_text().into())),
        ("stderr", Value::Text(result.stderr_text().into())),
        ("stdout_truncated", result.stdout_truncated.into()),
        ("stderr_truncated", result.stderr_truncated.into()),
        ("result_json", text(result.result_json.as_ref())),
        ("result_error", text(result.result_error.as_ref())),
        ("result", to_value(&value).unwrap()),
        ("duration_ms", (result.duration.as_secs_f64() * 1e3).into()),
        ("callback_invocations", result.callback_invocations.into()),
    ];
    fields.map(|(name, value)| (name.to_owned(), value)).into()
}

fn error_record(error: &Error) -> BTreeMap<String, Value> {
    let failure = error.failure();
    let python = failure.python.as_ref();
    let fields = [
        ("code", text(Some(&failure.code))),
        ("message", text(Some(&failure.message))),
        ("limit", text(failure.limit.as_ref())),
        ("exit_code", failure.exit_code.into()),
        ("type", text(python.map(|python| &python.r#type))),
        ("traceback", text(python.map(|python| &python.traceback))),
    ];
    fields.map(|(name, value)| (name.to_owned(), value)).into()
}

fn compare_fields(what: &str, expect: &Json, got: &BTreeMap<String, Value>) {
    for (name, wanted) in expect.as_object().unwrap().iter().filter(|(name, _)| *name != "error") {
        let value = got.get(name).unwrap_or_else(|| panic!("{what}: the runner does not know {name}"));
        assert!(same(wanted, value), "{what}: {name} is {value:?}, not {wanted}");
    }
}

/// Compares what a step gave with what it must give.
fn compare(what: &str, step: &Json, outcome: Result<BTreeMap<String, Value>>) {
    let Json::Object(_) = &step["expect"] else {
        outcome.unwrap_or_else(|error| panic!("{what}: {error}"));
        return;
    };
    match (&step["expect"]["error"], outcome) {
        (Json::Null, Ok(fields)) => compare_fields(what, &step["expect"], &fields),
        (Json::Null, Err(error)) => panic!("{what}: {error}"),
        (wanted, Err(error)) => {
            compare_fields(what, wanted, &error_record(&error));
            compare_fields(what, &step["expect"], &error.result().map(record).unwrap_or_default());
        }
        (wanted, Ok(_)) => panic!("{what}: no error, not {wanted}"),
    }
}

fn read(path: impl AsRef<Path>) -> Json {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Runs all cases.
async fn run_all(sleep: Sleep) {
    let folder = support::repository().join("tests/vectors");
    let index = read(folder.join("index.json"));
    let entries = fs::read_dir(folder.join("cases")).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect();
    cases.sort();
    assert_eq!(cases.len() as u64, index["case_count"].as_u64().unwrap());
    for path in &cases {
        let name = path.file_stem().unwrap().to_string_lossy();
        let made = Runner::new(path, &index, sleep).await;
        let refused = &read(path)["refused"];
        if !refused.is_null() {
            let error = made.err().unwrap_or_else(|| panic!("{name}: it is not refused"));
            compare_fields(&name, refused, &error_record(&error));
            continue;
        }
        let mut runner = made.unwrap_or_else(|error| panic!("{name}: {error}"));
        for step in runner.case["steps"].as_array().unwrap().clone() {
            let outcome = runner.step(&step).await;
            compare(&name, &step, outcome);
        }
        assert_eq!(runner.parts.next(), None, "{name}: a part of the program was not run");
    }
}

/// Sleeps in a thread.
fn sleep_in_thread(name: &str) -> Callback {
    Callback::blocking(name, |arguments: Map| {
        let ms = number(&arguments, "ms");
        std::thread::sleep(Duration::from_millis(ms.unsigned_abs()));
        Ok::<_, CallbackError>(ms)
    })
}

/// Sleeps in tokio's timer.
fn sleep_in_tokio(name: &str) -> Callback {
    Callback::new(name, async |arguments: Map| {
        let ms = number(&arguments, "ms");
        tokio::time::sleep(Duration::from_millis(ms.unsigned_abs())).await;
        Ok::<_, CallbackError>(ms)
    })
}

#[test]
fn every_case_without_a_runtime() {
    support::block_on(run_all(sleep_in_thread));
}

#[tokio::test]
async fn every_case_in_tokio() {
    run_all(sleep_in_tokio).await;
}
