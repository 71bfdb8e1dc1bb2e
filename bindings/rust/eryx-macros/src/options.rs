//! What stands in the brackets of the attribute.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Lit, Meta, Token};

/// The options of `#[callback(...)]`.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) inline: bool,
    pub(crate) stream: bool,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Options> {
        let mut options = Options::default();
        for meta in Punctuated::<Meta, Token![,]>::parse_terminated(input)? {
            match &meta {
                Meta::Path(path) if path.is_ident("inline") => options.inline = true,
                Meta::Path(path) if path.is_ident("stream") => options.stream = true,
                Meta::NameValue(pair) if pair.path.is_ident("name") => options.name = Some(text(&pair.value)?),
                Meta::NameValue(pair) if pair.path.is_ident("description") => {
                    options.description = Some(text(&pair.value)?);
                }
                Meta::NameValue(pair) if pair.path.is_ident("timeout_ms") => {
                    options.timeout_ms = Some(number(&pair.value)?);
                }
                other => {
                    let message = "expected inline, stream, name = \"...\", description = \"...\" or timeout_ms = ...";
                    return Err(Error::new_spanned(other, message));
                }
            }
        }
        Ok(options)
    }
}

fn text(value: &Expr) -> syn::Result<String> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text.value()),
        other => Err(Error::new_spanned(other, "expected text in quotes")),
    }
}

fn number(value: &Expr) -> syn::Result<u64> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse(),
        other => Err(Error::new_spanned(other, "expected a number of milliseconds")),
    }
}
