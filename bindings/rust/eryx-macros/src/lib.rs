//! The attribute `#[eryx::callback]` of the crate eryx, which describes it.
#![forbid(unsafe_code)]

mod callback;
mod options;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// Makes a host function of a function: `#[eryx::callback]` before an `async fn`, a `fn`, or a function that returns a stream.
///
/// The function's name becomes a value that `with_callback` takes. Its parameters are those that the program sees, with their
/// types and in their order; those of type `Option` may be left out. The comment above the function is its description, and
/// comments on parameters describe them.
///
/// ```
/// use eryx::CallbackError;
///
/// /// The price of a symbol.
/// #[eryx::callback]
/// async fn get_price(
///     /// Such as ACME.
///     symbol: String,
///     currency: Option<String>,
/// ) -> Result<f64, CallbackError> {
///     match (symbol.as_str(), currency.as_deref()) {
///         ("ACME", None | Some("EUR")) => Ok(12.5),
///         _ => Err(CallbackError::new("no such symbol")),
///     }
/// }
///
/// # fn main() -> Result<(), eryx::Error> { futures::executor::block_on(async {
/// let sandbox = eryx::Sandbox::builder().with_callback(get_price).build().await?;
/// let result = sandbox.execute("print(await get_price('ACME'))").await?;
/// assert_eq!(result.stdout, b"12.5\n");
/// assert_eq!(get_price::call("ACME".to_owned(), None).await.unwrap(), 12.5); // the function itself
/// # Ok(()) }) }
/// ```
///
/// | attribute | function | runs |
/// |---|---|---|
/// | `#[callback]` | `async fn` | in the task that awaits the execution |
/// | `#[callback]` | `fn` | in a thread: it may block |
/// | `#[callback(inline)]` | `fn` | on the library's thread: it must return at once |
/// | `#[callback(stream)]` | `fn` that returns a stream of results | in the task; the program iterates by `async for` |
///
/// Further options: `name = "..."`, `description = "..."`, `timeout_ms = 500`. A function that does not return a `Result` cannot
/// fail. Generic functions, methods and borrowed parameters cannot be host functions.
#[proc_macro_attribute]
pub fn callback(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(attribute as options::Options);
    let function = parse_macro_input!(item as syn::ItemFn);
    callback::expand(&options, function).unwrap_or_else(syn::Error::into_compile_error).into()
}
