use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Error, Ident, Item, LitStr, Path, Result, parse::Parser, spanned::Spanned};

use crate::arguments::{self, once, refuse_second, value};

pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let Attributes { krate, name, version, configure } = Attributes::parse(attribute)?;
    let item = syn::parse2::<Item>(item)?;
    let (ident, generics, attributes) = match &item {
        Item::Struct(item) => (&item.ident, &item.generics, &item.attrs),
        Item::Enum(item) => (&item.ident, &item.generics, &item.attrs),
        other => return Err(Error::new_spanned(other, "#[projection] goes on a struct or an enum")),
    };
    refuse_second("projection", attributes)?;
    if !generics.params.is_empty() {
        return Err(Error::new_spanned(
            generics,
            "a projection that registers itself has no parameters: nothing says for which types; \
             register it by hand with a `Registration`",
        ));
    }
    let krate = krate.map_or_else(|| quote!(::allframe_cqrs), |path| quote!(#path));
    let span = ident.span();
    let stored = quote_spanned! {span=>
        #krate::Registration::<#ident>::stored(
            <#ident as #krate::NamedProjection>::NAME,
            <#ident as #krate::NamedProjection>::VERSION,
            <#ident as ::core::default::Default>::default,
        )
    };
    let registration = match configure {
        Some(configure) => quote_spanned!(configure.span()=> #configure(#stored)),
        None => stored,
    };
    Ok(quote! {
        #item

        impl #krate::NamedProjection for #ident {
            const NAME: &'static str = #name;
            const VERSION: u32 = #version;

            fn registration() -> #krate::Registration<Self> {
                #registration
            }
        }

        #krate::inventory::submit! {
            #krate::DiscoveredProjection::of::<#ident>()
        }
    })
}

struct Attributes {
    krate: Option<Path>,
    name: LitStr,
    version: u32,
    configure: Option<Path>,
}

impl Attributes {
    fn parse(attribute: TokenStream) -> Result<Self> {
        let (mut krate, mut name, mut version, mut configure) = (None, None, None, None);
        let parser = syn::meta::parser(|meta| {
            let known = meta.path.get_ident().map(Ident::to_string);
            match known.as_deref() {
                Some("crate") => once(&mut krate, &meta, arguments::krate),
                Some("name") => once(&mut name, &meta, |meta| {
                    checked_name(value(meta, "write `name = \"..\"`, under which its state is kept")?)
                }),
                Some("version") => once(&mut version, &meta, |meta| Ok(arguments::version(meta)?.0)),
                Some("configure") => once(&mut configure, &meta, |meta| {
                    value(
                        meta,
                        "write `configure = path`, a function from `Registration<Self>` to `Registration<Self>`",
                    )
                }),
                _ => Err(meta.error(
                    "unknown here; write `name = \"..\"`, `version = 1`, and perhaps `configure = function`",
                )),
            }
        });
        parser.parse2(attribute)?;
        let missing = |what| Error::new(Span::call_site(), format!("say {what}"));
        Ok(Self {
            krate,
            name: name.ok_or_else(|| missing("under which name its state is kept: `name = \"..\"`"))?,
            version: version.ok_or_else(|| missing("which version it is: `version = 1`"))?,
            configure,
        })
    }
}

fn checked_name(name: LitStr) -> Result<LitStr> {
    let text = name.value();
    if text.is_empty() || text.len() > 128 || text.chars().any(char::is_control) {
        return Err(Error::new(name.span(), "a name has 1 to 128 bytes and no control characters"));
    }
    Ok(name)
}
