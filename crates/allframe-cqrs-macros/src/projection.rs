use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Error, Ident, Item, LitInt, LitStr, Path, Result, parse::Parser, spanned::Spanned};

pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let Attributes { krate, name, version, configure } = Attributes::parse(attribute)?;
    let item = syn::parse2::<Item>(item)?;
    let (ident, generics) = match &item {
        Item::Struct(item) => (&item.ident, &item.generics),
        Item::Enum(item) => (&item.ident, &item.generics),
        other => return Err(Error::new_spanned(other, "#[projection] goes on a struct or an enum")),
    };
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
            let is_second = match known.as_deref() {
                Some("crate") => krate.is_some(),
                Some("name") => name.is_some(),
                Some("version") => version.is_some(),
                Some("configure") => configure.is_some(),
                _ => false,
            };
            if is_second {
                return Err(meta.error("stands here twice; a projection has one of each"));
            }
            match known.as_deref() {
                Some("crate") => krate = Some(meta.value()?.call(Path::parse_mod_style)?),
                Some("name") => name = Some(checked_name(meta.value()?.parse()?)?),
                Some("version") => version = Some(checked_version(&meta.value()?.parse()?)?),
                Some("configure") => configure = Some(meta.value()?.parse()?),
                _ => {
                    return Err(meta.error(
                        "unknown here; write `name = \"..\"`, `version = 1`, and perhaps `configure = function`",
                    ));
                }
            }
            Ok(())
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

fn checked_version(version: &LitInt) -> Result<u32> {
    match version.base10_parse::<u32>() {
        Ok(0) | Err(_) => Err(Error::new(version.span(), "a version is a number from 1 to 4294967295")),
        Ok(version) => Ok(version),
    }
}
