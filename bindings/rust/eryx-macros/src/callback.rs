//! The code that the attribute makes: a unit struct of the function's name that becomes a `Callback`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Error, Expr, ExprLit, FnArg, Ident, ItemFn, Lit, Meta, Pat, ReturnType, Type};

use crate::options::Options;

/// A parameter of the function.
struct Parameter {
    name: Ident,
    r#type: Type,
    attributes: Vec<Attribute>,
}

/// The struct, its function `call`, and its conversion.
pub(crate) fn expand(options: &Options, mut function: ItemFn) -> syn::Result<TokenStream> {
    check(options, &function)?;
    let parameters = function.sig.inputs.iter_mut().map(parameter).collect::<syn::Result<Vec<_>>>()?;
    let name = function.sig.ident.clone();
    let visibility = function.vis.clone();
    let documentation: Vec<Attribute> = function.attrs.iter().filter(|attribute| is_doc(attribute)).cloned().collect();
    let conversion = conversion(options, &function, &name, &parameters, &documentation);
    function.sig.ident = format_ident!("call");
    function.vis = syn::parse_quote!(pub);
    Ok(quote! {
        #(#documentation)*
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, Debug)]
        #visibility struct #name;

        impl #name {
            #[allow(clippy::too_many_arguments, clippy::unused_async, missing_docs)]
            #function
        }

        #conversion
    })
}

/// Refuses what cannot be a host function.
fn check(options: &Options, function: &ItemFn) -> syn::Result<()> {
    let signature = &function.sig;
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(&signature.generics, "a host function cannot be generic"));
    }
    if signature.asyncness.is_some() && (options.inline || options.stream) {
        let message = "inline and streaming host functions are not async: write `fn`";
        return Err(Error::new_spanned(signature.asyncness, message));
    }
    if options.inline && options.stream {
        return Err(Error::new_spanned(&signature.ident, "a streaming host function cannot be inline"));
    }
    Ok(())
}

/// Takes a parameter apart; its attributes move to the struct of arguments.
fn parameter(input: &mut FnArg) -> syn::Result<Parameter> {
    let FnArg::Typed(typed) = input else {
        return Err(Error::new_spanned(input, "a method cannot be a host function"));
    };
    let Pat::Ident(pattern) = &*typed.pat else {
        return Err(Error::new_spanned(&typed.pat, "a parameter of a host function needs a name"));
    };
    if let Type::Reference(reference) = &*typed.ty {
        return Err(Error::new_spanned(
            reference,
            "a parameter of a host function owns its value: String, Vec<T>, ...",
        ));
    }
    let attributes = std::mem::take(&mut typed.attrs);
    Ok(Parameter { name: pattern.ident.clone(), r#type: (*typed.ty).clone(), attributes })
}

/// `impl From<name> for Callback`.
fn conversion(
    options: &Options,
    function: &ItemFn,
    name: &Ident,
    parameters: &[Parameter],
    documentation: &[Attribute],
) -> TokenStream {
    let names: Vec<_> = parameters.iter().map(|parameter| &parameter.name).collect();
    let types = parameters.iter().map(|parameter| &parameter.r#type);
    let attributes = parameters.iter().map(|parameter| &parameter.attributes);
    let guest_name = options.name.clone().unwrap_or_else(|| name.to_string().trim_start_matches("r#").to_owned());
    let description = options.description.clone().unwrap_or_else(|| first_line(documentation));
    let timeout = options.timeout_ms.map(|timeout| {
        quote! { .with_timeout(::core::time::Duration::from_millis(#timeout)) }
    });
    let (constructor, run) = constructor(options, function, name, &names);
    quote! {
        impl ::core::convert::From<#name> for ::eryx::Callback {
            fn from(_: #name) -> ::eryx::Callback {
                #[derive(::eryx::__private::serde::Deserialize, ::eryx::__private::schemars::JsonSchema)]
                #[serde(crate = "::eryx::__private::serde", deny_unknown_fields)]
                #[schemars(crate = "::eryx::__private::schemars")]
                struct Arguments {
                    #(#(#attributes)* #names: #types,)*
                }
                ::eryx::Callback::#constructor(#guest_name, |Arguments { #(#names),* }: Arguments| #run)
                    .with_description(#description)
                    #timeout
            }
        }
    }
}

/// The constructor of `Callback` and the body of the closure it gets.
fn constructor(options: &Options, function: &ItemFn, name: &Ident, names: &[&Ident]) -> (Ident, TokenStream) {
    let call = quote! { #name::call(#(#names),*) };
    let fallible = returns_result(&function.sig.output);
    let infallible = quote! { ::core::result::Result::<_, ::eryx::CallbackError>::Ok };
    if options.stream {
        return (format_ident!("stream"), call);
    }
    if function.sig.asyncness.is_some() {
        let run = if fallible {
            call
        } else {
            quote! { async move { #infallible(#call.await) } }
        };
        return (format_ident!("new"), run);
    }
    let constructor = if options.inline { format_ident!("inline") } else { format_ident!("blocking") };
    (
        constructor,
        if fallible {
            call
        } else {
            quote! { #infallible(#call) }
        },
    )
}

/// Whether the function returns something called `Result`.
fn returns_result(output: &ReturnType) -> bool {
    match output {
        ReturnType::Type(_, output) => match &**output {
            Type::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == "Result"),
            _ => false,
        },
        ReturnType::Default => false,
    }
}

fn is_doc(attribute: &Attribute) -> bool {
    attribute.path().is_ident("doc")
}

/// The first line of a comment.
fn first_line(documentation: &[Attribute]) -> String {
    let first = documentation.first().map(|attribute| &attribute.meta);
    match first {
        Some(Meta::NameValue(pair)) => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value().trim().to_owned(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}
