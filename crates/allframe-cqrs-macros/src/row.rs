use std::collections::HashMap;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, Path, Result, Token, punctuated::Punctuated};

use crate::{
    arguments::{self, once, refuse_lifetimes},
    row_index::{Shape, TableIndex},
};

pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let item = syn::parse2::<DeriveInput>(item)?;
    let fields = named_fields(&item)?;
    refuse_lifetimes(&item.generics, "a row is kept: it owns its fields, and borrows none")?;
    let krate = krate(&item)?.map_or_else(|| quote!(::allframe_cqrs), |path| quote!(#path));
    let keys: Vec<&Field> =
        fields.iter().filter(|field| field.attrs.iter().any(|a| a.path().is_ident("key"))).collect();
    if keys.is_empty() {
        return Err(Error::new_spanned(
            &item.ident,
            "a row is told by its key: put #[key] on the field that is it, or on each that is part of it",
        ));
    }
    let indexes = TableIndex::all_of(&item, fields)?;
    refuse_names_used_twice(&indexes)?;

    let ident = &item.ident;
    let (impl_generics, type_generics, where_clause) = item.generics.split_for_impl();
    let (key_type, key) = key_of(&keys);
    let constants = indexes.iter().enumerate().map(|(place, index)| constant(index, place, &krate));
    let types = indexes.iter().rev().fold(
        quote!(()),
        |rest, TableIndex { value, .. }| quote!((#krate::table::IndexEntries<Self, #value>, #rest)),
    );
    let empty = indexes
        .iter()
        .rev()
        .fold(quote!(()), |rest, TableIndex { constant, .. }| quote!((Self::#constant.empty(), #rest)));
    // clippy would find fault with a `()` as the body, in the code of whoever derives.
    let empty = if indexes.is_empty() { quote!(::core::default::Default::default()) } else { empty };
    let constants = (!indexes.is_empty()).then(|| {
        quote! {
            impl #impl_generics #ident #type_generics #where_clause {
                #(#constants)*
            }
        }
    });
    Ok(quote! {
        impl #impl_generics #krate::Row for #ident #type_generics #where_clause {
            type Key = #key_type;
            type Indexes = #types;

            fn key(&self) -> Self::Key {
                #key
            }

            fn indexes() -> Self::Indexes {
                #empty
            }
        }

        #constants
    })
}

fn constant(index: &TableIndex<'_>, place: usize, krate: &TokenStream) -> TokenStream {
    let TableIndex { visibility, constant, name, value, shape, kind, .. } = index;
    let kind = format_ident!("{kind}", span = constant.span());
    let doc = format!("The index `{name}`.");
    let rest = std::iter::repeat_n(quote!(.1), place);
    // Of one span wherever it stands: the fields may come out of a macro, which has names of its own.
    let row = Ident::new("row", Span::mixed_site());
    let read = match shape {
        Shape::Optional(field) => quote!(::core::clone::Clone::clone(&#row.#field)),
        Shape::Plain(field) => {
            quote!(::core::option::Option::Some(::core::clone::Clone::clone(&#row.#field)))
        }
        Shape::Composite(fields) => {
            quote!(::core::option::Option::Some((#(::core::clone::Clone::clone(&#row.#fields),)*)))
        }
    };
    let span = constant.span();
    // What does not compile is shown at the field, and not at the derive.
    let krate: TokenStream = krate
        .clone()
        .into_iter()
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect();
    quote_spanned! {span=>
        #[doc = #doc]
        #visibility const #constant: #krate::table::Index<Self, #value, #krate::table::#kind> =
            #krate::table::Index::declared(#name, |#row| #read, |indexes| &indexes #(#rest)* .0);
    }
}

fn key_of(keys: &[&Field]) -> (TokenStream, TokenStream) {
    let types = keys.iter().map(|field| &field.ty);
    let names = keys.iter().map(|field| &field.ident);
    match keys {
        [_] => (quote!(#(#types)*), quote!(#(::core::clone::Clone::clone(&self.#names))*)),
        _ => (quote!((#(#types),*)), quote!((#(::core::clone::Clone::clone(&self.#names)),*))),
    }
}

fn named_fields(item: &DeriveInput) -> Result<&Punctuated<Field, Token![,]>> {
    match &item.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Ok(&fields.named),
            _ => Err(Error::new_spanned(
                &item.ident,
                "the fields of a row have names, after which its indexes are called: write a struct with braces",
            )),
        },
        _ => Err(Error::new_spanned(
            &item.ident,
            "a row is a struct: every row of a table has the same key and indexes",
        )),
    }
}

fn krate(item: &DeriveInput) -> Result<Option<Path>> {
    let mut krate = None;
    for attribute in item.attrs.iter().filter(|attribute| attribute.path().is_ident("row")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("unknown here; only `crate = path` is said of a row"));
            }
            once(&mut krate, &meta, arguments::krate)
        })?;
    }
    Ok(krate)
}

fn refuse_names_used_twice(indexes: &[TableIndex<'_>]) -> Result<()> {
    let mut seen: HashMap<&Ident, ()> = HashMap::new();
    for index in indexes {
        if seen.insert(&index.constant, ()).is_some() {
            return Err(Error::new(
                index.constant.span(),
                format!(
                    "two indexes are called `{}`; give one another name: #[index(name = \"..\")]",
                    index.name
                ),
            ));
        }
    }
    Ok(())
}
