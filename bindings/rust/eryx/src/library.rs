//! Libraries: bundles of host functions, Python modules and type stubs.

use std::fmt;
use std::ops::Add;
use std::sync::Arc;

use crate::callbacks::{Callback, Callbacks};
use crate::value::{Map, Value, map};

/// A bundle of what programs may use, to be given to any number of sandboxes by `with_library`.
///
/// ```
/// # fn main() -> Result<(), eryx::Error> { futures::executor::block_on(async {
/// let text = eryx::Library::new("text").with_module("text.case", "def upper(s):\n    return s.upper()\n");
/// let sandbox = eryx::Sandbox::builder().with_library(&text).build().await?;
/// let result = sandbox.execute("from text.case import upper; print(upper('a'))").await?;
/// assert_eq!(result.stdout, b"A\n");
/// # Ok(()) }) }
/// ```
///
/// `&a + &b` is both. What two libraries have in common, because one is a clone of the other, is there once. Two that claim the
/// same name are refused with [`Error::Invalid`](crate::Error::Invalid) by what they are given to, and so are modules with names of
/// Python's own or of a package.
#[derive(Clone, Default)]
pub struct Library {
    parts: Vec<Arc<Part>>,
}

/// A library that is no sum.
#[derive(Clone, Default)]
struct Part {
    name: String,
    modules: Map,
    stubs: String,
    callbacks: Callbacks,
}

impl Library {
    /// An empty library. The name is for messages and stubs: 1 to 255 characters on one line.
    pub fn new(name: impl Into<String>) -> Library {
        Library { parts: vec![Arc::new(Part { name: name.into(), ..Part::default() })] }
    }

    /// Libraries as one.
    pub fn merge<'a>(libraries: impl IntoIterator<Item = &'a Library>) -> Library {
        let mut merged = Library::default();
        libraries.into_iter().for_each(|library| merged.extend(library));
        merged
    }

    /// Adds what is not there yet.
    pub(crate) fn extend(&mut self, other: &Library) {
        for part in &other.parts {
            if !self.parts.iter().any(|known| Arc::ptr_eq(known, part)) {
                self.parts.push(part.clone());
            }
        }
    }

    /// The part that settings are made in: the last one.
    fn part(&mut self) -> &mut Part {
        if self.parts.is_empty() {
            self.parts.push(Arc::default());
        }
        let last = self.parts.len() - 1;
        Arc::make_mut(&mut self.parts[last])
    }

    /// The Python source of a module, such as `tools` or `tools.text`. It is a real module, in a file that programs cannot
    /// change, so that tracebacks and line numbers are those of the source. A package that has no source is empty. Of a merged
    /// library, it becomes one of the last one's.
    pub fn with_module(mut self, name: impl Into<String>, source: impl Into<String>) -> Library {
        self.part().modules.insert(name.into(), Value::Text(source.into()));
        self
    }

    /// A host function, which the modules see as the programs do.
    pub fn with_callback(mut self, callback: impl Into<Callback>) -> Library {
        self.part().callbacks.add(callback.into());
        self
    }

    /// Host functions; of two with one name the last one counts.
    pub fn with_callbacks(mut self, callbacks: impl IntoIterator<Item = Callback>) -> Library {
        callbacks.into_iter().for_each(|callback| self.part().callbacks.add(callback));
        self
    }

    /// What `type_stubs` says of the modules, in the syntax of .pyi files.
    pub fn with_stubs(mut self, stubs: impl Into<String>) -> Library {
        self.part().stubs = stubs.into();
        self
    }

    /// The name; of a merged library, all names with ` + ` between.
    pub fn name(&self) -> String {
        self.parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(" + ")
    }

    /// The names of the modules.
    pub fn module_names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| part.modules.keys().map(String::as_str))
    }

    /// The names of the host functions.
    pub fn callback_names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| part.callbacks.names())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// One of the host functions.
    pub(crate) fn callback(&self, name: &str) -> Option<&Callback> {
        self.parts.iter().find_map(|part| part.callbacks.get(name))
    }

    pub(crate) fn has_inline(&self) -> bool {
        self.parts.iter().any(|part| part.callbacks.has_inline())
    }

    /// How liberyx is told of it.
    pub(crate) fn message(&self) -> Value {
        let part = |part: &Arc<Part>| {
            Value::Map(map! {
                "name": part.name.as_str(),
                "modules": part.modules.clone(),
                "stubs": part.stubs.as_str(),
                "callbacks": part.callbacks.message(),
            })
        };
        Value::List(self.parts.iter().map(part).collect())
    }
}

impl From<&Library> for Library {
    fn from(library: &Library) -> Library {
        library.clone()
    }
}

impl Add for &Library {
    type Output = Library;

    fn add(self, other: &Library) -> Library {
        Library::merge([self, other])
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library")
            .field("name", &self.name())
            .field("modules", &self.module_names().collect::<Vec<_>>())
            .field("callbacks", &self.callback_names().collect::<Vec<_>>())
            .finish()
    }
}
