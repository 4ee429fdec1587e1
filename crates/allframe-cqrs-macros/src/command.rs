use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::{
    Attribute, Error, Expr, ExprLit, Fields, Ident, Item, ItemStruct, Lit, LitStr, Member, Path, Result,
    ext::IdentExt as _, parse::Parser, parse_quote, spanned::Spanned as _,
};

use crate::{
    arguments::{self, alone, at_span, once, refuse_lifetimes, refuse_second, shown_at, value},
    inverse::Inverse,
    json_names::renamed_fields,
    template::fields_of,
    validation_rules::{check_rules, fit, look_at_others},
};

/// Implements `Command` for a struct, with what its attributes say.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let Attributes { krate, name, stream, inverse, json } = Attributes::parse(attribute)?;
    let Item::Struct(mut item) = syn::parse2::<Item>(item.clone())? else {
        return Err(Error::new_spanned(item, "#[command] goes on a struct"));
    };
    let ours: Vec<_> = item.attrs.iter().filter(|attribute| !is_of_clap(attribute)).cloned().collect();
    refuse_second("command", &ours)?;
    refuse_lifetimes(
        &item.generics,
        "a command is kept until it is carried out: it owns its fields, and borrows none",
    )?;
    let krate = krate.unwrap_or_else(|| parse_quote!(::allframe_cqrs));

    let name = name.map_or_else(|| item.ident.unraw().to_string(), |name| name.value());
    let name = quote! { fn name() -> &'static str { #name } };
    let addressed = stream.map(|stream| stream_id(&stream, &item, &krate)).transpose()?;
    let target = addressed.is_some().then(|| {
        quote! {
            fn target(
                &self,
            ) -> ::core::option::Option<::core::result::Result<#krate::StreamId, #krate::InvalidInput>> {
                ::core::option::Option::Some(#krate::Addressed::stream_id(self))
            }
        }
    });
    let inverse = inverse.map(|inverse| inverse.implementation(&item, &krate)).transpose()?;
    let depending = look_at_others(&item.fields);
    let fit = fit(&krate, &item.fields);
    let check = take_validation(&mut item)?.then(|| {
        item.attrs.push(parse_quote!(#[derive(::garde::Validate)]));
        quote! {
            fn check(&self) -> ::core::result::Result<(), ::std::vec::Vec<#krate::ValidationError>> {
                #fit
                #krate::check_with_garde(self)
            }
        }
    });
    let json_form = json
        .map(|json| {
            require(
                cfg!(feature = "json-commands"),
                &json,
                "`json` needs the feature `json-commands` of allframe-cqrs",
            )?;
            let names = renamed_fields(&item.attrs, &item.fields);
            let (names, names_in_json): (Vec<_>, Vec<_>) = names.into_iter().unzip();
            let form = at_span(&quote!(#krate::JsonForm), json.span());
            let schemars = quote!(#krate::schemars).to_string();
            item.attrs.push(parse_quote!(#[derive(#krate::schemars::JsonSchema)]));
            item.attrs.push(parse_quote!(#[schemars(crate = #schemars)]));
            Ok::<_, Error>(quote! {
                fn json_form() -> ::core::option::Option<#krate::JsonForm<Self>> {
                    ::core::option::Option::Some(#form::<Self>::declared(|| {
                        #krate::schemars::SchemaGenerator::default().into_root_schema_for::<Self>().to_value()
                    }).with_field_names(&[#((#names, #names_in_json)),*]).with_rules_by_field(&[#(#depending),*]))
                }
            })
        })
        .transpose()?;

    let ident = &item.ident;
    let (impl_generics, type_generics, where_clause) = item.generics.split_for_impl();
    let addressed = addressed.map(|stream_id| {
        quote! {
            impl #impl_generics #krate::Addressed for #ident #type_generics #where_clause {
                fn stream_id(&self) -> ::core::result::Result<#krate::StreamId, #krate::InvalidInput> {
                    #stream_id
                }
            }
        }
    });
    Ok(quote! {
        #item

        impl #impl_generics #krate::Command for #ident #type_generics #where_clause {
            #name
            #target
            #check
            #json_form

            fn fingerprint(&self) -> ::core::option::Option<#krate::Fingerprint> {
                #[allow(unused_imports)]
                use #krate::{OfAny as _, OfSerialize as _};
                (&#krate::Fingerprinted(self)).fingerprint()
            }
        }

        #addressed

        #inverse
    })
}

/// The arguments that the attribute of that name of clap has not.
const OURS: [&str; 3] = ["stream", "inverse", "json"];

/// Whether it may be the attribute of that name of clap, for a command that is given on the command line too.
fn is_of_clap(attribute: &Attribute) -> bool {
    let is_ours = |token| matches!(token, TokenTree::Ident(word) if OURS.iter().any(|ours| word == ours));
    attribute.meta.require_list().is_ok_and(|list| !list.tokens.clone().into_iter().any(is_ours))
}

struct Attributes {
    krate: Option<Path>,
    name: Option<LitStr>,
    stream: Option<Expr>,
    inverse: Option<Inverse>,
    json: Option<Path>,
}

impl Attributes {
    fn parse(attribute: TokenStream) -> Result<Self> {
        let mut this = Self { krate: None, name: None, stream: None, inverse: None, json: None };
        let parser = syn::meta::parser(|meta| {
            let known = meta.path.get_ident().map(Ident::to_string);
            match known.as_deref() {
                Some("crate") => once(&mut this.krate, &meta, arguments::krate),
                Some("name") => once(&mut this.name, &meta, |meta| {
                    checked_name(value(meta, "write `name = \"..\"`, what the command is called")?)
                }),
                Some("stream") => once(&mut this.stream, &meta, |meta| value(meta, STREAM)),
                Some("inverse") => once(&mut this.inverse, &meta, Inverse::parse),
                Some("json") => once(&mut this.json, &meta, |meta| {
                    alone(meta, "write `json` alone; the schema is derived from the fields")
                }),
                _ => Err(meta.error(
                    "unknown here; a command takes `stream = \"account-{account}\"`, `inverse = Undo { account }`, `json` and \
                     `name = \"..\"`",
                )),
            }
        });
        parser.parse2(attribute)?;
        Ok(this)
    }
}

const STREAM: &str = "write a text with fields in it, `stream = \"account-{account}\"`, or name a function that takes the \
                      command by reference and answers with the text";

fn checked_name(name: LitStr) -> Result<LitStr> {
    match name.value().is_empty() {
        true => Err(Error::new(name.span(), "a name is not empty")),
        false => Ok(name),
    }
}

/// The expression for the id of the stream that a command is for.
fn stream_id(stream: &Expr, item: &ItemStruct, krate: &Path) -> Result<TokenStream> {
    match stream {
        Expr::Lit(ExprLit { lit: Lit::Str(template), .. }) => {
            let fields = fields_of(template, &members(&item.fields), &item.ident)?;
            let bindings = (!fields.is_empty()).then(|| {
                let fields = fields.iter();
                quote! { let Self { #(#fields,)* .. } = self; }
            });
            Ok(quote! {
                #bindings
                #krate::IntoStreamId::into_stream_id(::std::format!(#template))
            })
        }
        Expr::Path(function) => {
            let at = shown_at(function.span());
            // What is wrong with the function is shown at its name.
            let call = quote_spanned!(at=> #function(self));
            let krate = at_span(&quote!(#krate), at);
            Ok(quote_spanned!(at=> #krate::IntoStreamId::into_stream_id(#call)))
        }
        other => Err(Error::new_spanned(other, STREAM)),
    }
}

fn members(fields: &Fields) -> Vec<Member> {
    fields.members().collect()
}

/// Turns `#[validate(..)]` into what garde derives from; whether there was any.
fn take_validation(item: &mut ItemStruct) -> Result<bool> {
    let is_ours = |attribute: &Attribute| attribute.path().is_ident("validate");
    if let Some(attribute) = item.attrs.iter().find(|attribute| is_ours(attribute)) {
        return Err(Error::new_spanned(
            attribute,
            "`#[validate(..)]` goes on a field; a rule for several fields together goes on one of them, as \
             `#[validate(custom(function(&self.other)))]`",
        ));
    }
    let Some(first) = item.fields.iter().flat_map(|field| &field.attrs).find(|attribute| is_ours(attribute))
    else {
        return Ok(false);
    };
    require(
        cfg!(feature = "validation"),
        first,
        "`#[validate(..)]` needs the feature `validation` of allframe-cqrs, and garde with `derive` in your Cargo.toml",
    )?;
    for attribute in item.fields.iter().flat_map(|field| &field.attrs).filter(|attribute| is_ours(attribute))
    {
        check_rules(attribute)?;
    }
    for field in &mut item.fields {
        let ours: Vec<_> = field.attrs.iter_mut().filter(|attribute| is_ours(attribute)).collect();
        if ours.is_empty() {
            field.attrs.push(parse_quote!(#[garde(skip)]));
        } else {
            ours.into_iter().for_each(rename);
        }
    }
    Ok(true)
}

fn rename(attribute: &mut Attribute) {
    let path = match &mut attribute.meta {
        syn::Meta::Path(path) => path,
        syn::Meta::List(list) => &mut list.path,
        syn::Meta::NameValue(pair) => &mut pair.path,
    };
    let span: Span = path.segments.first().map_or_else(Span::call_site, |segment| segment.ident.span());
    *path = Ident::new("garde", span).into();
}

fn require(is_there: bool, at: &impl quote::ToTokens, message: &str) -> Result<()> {
    if is_there { Ok(()) } else { Err(Error::new_spanned(at, message)) }
}
