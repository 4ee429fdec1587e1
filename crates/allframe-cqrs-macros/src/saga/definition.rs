//! The code that declares the steps to an orchestrator.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Path};

use super::{
    method::{Method, output_of},
    order::Order,
    step::Step,
};
use crate::arguments::{at_span, shown_at};

/// What the code of a definition is made of.
pub(super) struct Definition<'a> {
    pub(super) krate: &'a Path,
    pub(super) names: &'a [String],
    pub(super) steps: &'a [Step],
    pub(super) order: &'a Order,
}

impl Definition<'_> {
    /// Statements after which `definition` has all steps.
    pub(super) fn code(&self) -> TokenStream {
        // What a step answers is inferred where the step is made, before others take it.
        let made =
            self.order.sorted.iter().filter_map(|place| Some(self.make(*place, self.steps.get(*place)?)));
        let added = self.steps.iter().enumerate().map(|(place, step)| self.add(place, step));
        quote!(#(#made)* #(#added)*)
    }

    fn make(&self, place: usize, step: &Step) -> TokenStream {
        let Self { krate, names, .. } = self;
        let (variable, name) = (self.variable(place), self.name(place));
        let method = &step.method;
        let (keep, keep_again, call) = (method.keep(), method.keep_again(), method.call(krate, names, None));
        // What is wrong with its answer is shown where it is declared.
        let at = method.answered_at;
        let saga = at_span(&quote!(#krate::saga), at);
        let made = match step.arguments.command {
            Some(command) => {
                let bus = step.arguments.bus.clone().unwrap_or_else(|| Ident::new("bus", command));
                let bus = quote_spanned!(shown_at(bus.span())=> &self.#bus);
                let undo = match step.undo {
                    Some(_) => quote!(::core::option::Option::None),
                    None => quote! {{
                        #[allow(unused_imports)]
                        use #krate::{OfAnyCommand as _, OfInvertible as _};
                        (&command.inverse_of()).visit(command.undone_by())
                    }},
                };
                quote_spanned! {at=> {
                    let command = #saga::DeclaredCommand::<Self::Input, _, _>::new(#name, #bus, {
                        #keep
                        move |context: &#saga::StepContext<Self::Input>| { #call }
                    });
                    let undo = #undo;
                    command.into_step(undo)
                }}
            }
            None => quote_spanned! {at=>
                #saga::SagaStep::<Self::Input, _>::new(#name, {
                    #keep
                    move |context: #saga::StepContext<Self::Input>| {
                        #keep_again
                        async move {
                            let context = &context;
                            #call
                        }
                    }
                })
            },
        };
        let is_taken = self.steps.iter().flat_map(Step::methods).any(|method| method.takes(place));
        let output = output_of(names, place);
        let output =
            is_taken.then(|| quote!(let #output = #krate::saga::DeclaredOutput::of(&#variable, #name);));
        quote!(let #variable = #made; #output)
    }

    fn add(&self, place: usize, step: &Step) -> TokenStream {
        let variable = self.variable(place);
        let after: Vec<_> =
            self.order.after.get(place).into_iter().flatten().map(|step| self.name(*step)).collect();
        let after = (!after.is_empty()).then(|| quote!(.after([#(#after),*])));
        let when = step.when.as_ref().map(|when| self.when(when));
        let undo = step.undo.as_ref().map(|undo| self.undo(place, undo));
        let settings = &step.arguments.settings;
        quote! {
            let definition = definition.step(#variable #after #when #undo #(#settings)*);
        }
    }

    fn when(&self, when: &Method) -> TokenStream {
        let Self { krate, names, .. } = self;
        let (keep, call) = (when.keep(), when.call(krate, names, None));
        quote! {
            .when({
                #keep
                move |context: &#krate::saga::StepContext<Self::Input>| { #call }
            })
        }
    }

    fn undo(&self, place: usize, undo: &Method) -> TokenStream {
        let Self { krate, names, .. } = self;
        let (keep, keep_again, call) = (undo.keep(), undo.keep_again(), undo.call(krate, names, Some(place)));
        let own = if undo.takes(place) { quote!(own) } else { quote!(_) };
        let nothing = at_span(&quote!(::core::result::Result<(), #krate::saga::StepError>), undo.answered_at);
        quote! {
            .compensate({
                #keep
                move |context: #krate::saga::StepContext<Self::Input>, #own| {
                    #keep_again
                    async move {
                        let context = &context;
                        let undone: #nothing = { #call };
                        undone
                    }
                }
            })
        }
    }

    fn name(&self, step: usize) -> &str {
        self.names.get(step).map_or("", String::as_str)
    }

    fn variable(&self, step: usize) -> Ident {
        format_ident!("step_{}", self.name(step))
    }
}
