//! `inverse = ReleaseSeats { flight, seats: *seats }`, the command that undoes another.

use proc_macro2::{Group, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Error, ExprStruct, Field, FieldValue, ItemStruct, Member, Path, PathArguments, Result,
    ext::IdentExt as _,
    meta::ParseNestedMeta,
    parse::{Parse, ParseStream},
    parse_quote, parse2,
    token::Brace,
};

use crate::arguments::{at_span, shown_at, value};

/// A struct expression, and the type that it is of.
pub(crate) struct Inverse {
    ty: Path,
    expression: ExprStruct,
}

impl Inverse {
    pub(crate) fn parse(meta: &ParseNestedMeta<'_>) -> Result<Self> {
        let Written { ty, fields } = value(meta, USAGE)?;
        let path = in_expressions(ty.clone());
        // Apart from the rest, so that a mistake in an expression is told as what it is.
        Ok(Self { ty, expression: parse2(quote!(#path #fields))? })
    }

    /// The implementation of `Invertible` for the command.
    pub(crate) fn implementation(mut self, command: &ItemStruct, krate: &Path) -> Result<TokenStream> {
        for written in &mut self.expression.fields {
            take_over(written, command)?;
        }
        let Self { ty, expression } = self;
        let fields = fields_in_scope(command);
        let ident = &command.ident;
        let (impl_generics, type_generics, where_clause) = command.generics.split_for_impl();
        // `Release { 0: *seats }`: as a call, it would look like that of a function.
        Ok(quote! {
            impl #impl_generics #krate::Invertible for #ident #type_generics #where_clause {
                type Inverse = #ty;

                #[allow(clippy::init_numbered_fields)]
                fn inverse(&self) -> Self::Inverse {
                    #fields
                    #expression
                }
            }
        })
    }
}

const USAGE: &str = "write the command that undoes this one, `inverse = ReleaseSeats { flight, seats: *seats }`: a field by its \
                     name alone is cloned, and expressions have the fields as references; for anything else, implement \
                     `Invertible` by hand";

/// The path and the braces.
struct Written {
    ty: Path,
    fields: Group,
}

impl Parse for Written {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let ty: Path = input.parse()?;
        let is_call = |arguments: &PathArguments| matches!(arguments, PathArguments::Parenthesized(_));
        if !input.peek(Brace) || ty.segments.iter().any(|segment| is_call(&segment.arguments)) {
            return Err(input.error(USAGE));
        }
        Ok(Self { ty, fields: input.parse()? })
    }
}

/// `Release<K>` as expressions have it: `Release::<K>`.
fn in_expressions(mut path: Path) -> Path {
    for segment in &mut path.segments {
        if let PathArguments::AngleBracketed(arguments) = &mut segment.arguments {
            arguments.colon2_token.get_or_insert_default();
        }
    }
    path
}

/// Makes of a field that stands by its name alone a clone of that of the command.
fn take_over(written: &mut FieldValue, command: &ItemStruct) -> Result<()> {
    let (None, Member::Named(name)) = (&written.colon_token, &written.member) else { return Ok(()) };
    let is_it = |field: &&Field| field.ident.as_ref().is_some_and(|ident| ident.unraw() == name.unraw());
    let Some(field) = command.fields.iter().find(is_it) else {
        return Err(Error::new_spanned(
            name,
            format!(
                "`{name}` is no field of `{}`; write `{name}: value`, an expression that has its fields as references",
                command.ident,
            ),
        ));
    };
    // What cannot be cloned, or is of another type, is shown where it is taken over.
    let at = shown_at(name.span());
    let ty = &field.ty;
    let ty = at_span(&quote!(#ty), at);
    let clone = quote_spanned!(at=> <#ty as ::core::clone::Clone>::clone(#name));
    written.colon_token = Some(parse_quote!(:));
    written.expr = syn::Expr::Verbatim(clone);
    Ok(())
}

/// Binds the fields of the command under their names.
fn fields_in_scope(command: &ItemStruct) -> Option<TokenStream> {
    let fields: Vec<_> = command
        .fields
        .iter()
        .filter_map(|field| {
            let name = field.ident.as_ref()?;
            let conditions = field.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
            Some(quote!(#(#conditions)* #name))
        })
        .collect();
    // Which of them an expression uses is not known: it may be inside of a `format!`.
    (!fields.is_empty()).then(|| {
        quote! {
            #[allow(unused_variables)]
            let Self { #(#fields,)* .. } = self;
        }
    })
}
