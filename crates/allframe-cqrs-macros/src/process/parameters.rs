//! What a handler asks for, by what its parameters are called and what types they have.

use syn::{Error, FnArg, Ident, Pat, Result, ReturnType, Signature, Type, TypeReference, ext::IdentExt as _};

/// The parameters of a handler, without that which it is called on.
pub(super) struct Parameters {
    pub(super) all: Vec<Parameter>,
}

pub(super) struct Parameter {
    pub(super) name: Ident,
    /// Its type, without a reference around it.
    pub(super) ty: Type,
    pub(super) is_reference: bool,
}

impl Parameters {
    pub(super) fn of(signature: &Signature) -> Result<Self> {
        if let Some(asyncness) = signature.asyncness {
            return Err(Error::new_spanned(
                asyncness,
                "a handler is not async: it decides, and what it decides is done by its `Reaction`",
            ));
        }
        if let ReturnType::Type(_, ty) = &signature.output
            && !matches!(&**ty, Type::Tuple(tuple) if tuple.elems.is_empty())
        {
            return Err(Error::new_spanned(
                ty,
                "a handler answers nothing; what it decides, it tells its `Reaction`",
            ));
        }
        let mut inputs = signature.inputs.iter();
        match inputs.next() {
            Some(FnArg::Receiver(receiver)) if receiver.reference.is_some() => {}
            _ => {
                return Err(Error::new_spanned(
                    &signature.ident,
                    "a handler takes `&mut self`, what its instance knows, or `&self`",
                ));
            }
        }
        let all = inputs.map(Parameter::of).collect::<Result<_>>()?;
        Ok(Self { all })
    }
}

impl Parameter {
    fn of(input: &FnArg) -> Result<Self> {
        let FnArg::Typed(typed) = input else {
            return Err(Error::new_spanned(input, "this stands here twice"));
        };
        let Pat::Ident(name) = &*typed.pat else {
            return Err(Error::new_spanned(&typed.pat, "a parameter is a name, which says what it is given"));
        };
        let (ty, is_reference) = match &*typed.ty {
            Type::Reference(TypeReference { elem, .. }) => ((**elem).clone(), true),
            ty => (ty.clone(), false),
        };
        Ok(Self { name: name.ident.clone(), ty, is_reference })
    }

    /// Whether it is of a type that is called so.
    pub(super) fn is_called(&self, name: &str) -> bool {
        matches!(&self.ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
    }

    /// The field that it is given: its name, without an underscore that says that it is not used.
    pub(super) fn field(&self) -> Ident {
        let name = self.name.unraw().to_string();
        match name.strip_prefix('_').filter(|field| !field.is_empty()) {
            Some(field) => Ident::new(field, self.name.span()),
            None => self.name.clone(),
        }
    }
}
