//! What the tokens of a return type tell.

use crate::{model::Refusable, owned::bare};
use syn::{GenericArgument, Ident, PathArguments, ReturnType, Type};

/// A return type, as far as its tokens tell.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Returns<'t> {
    /// `Result<T, E>`.
    Result {
        /// `T`
        ok: &'t Type,
        /// `E`
        err: &'t Type,
    },
    /// A name that may be an alias of a `Result`: types will tell.
    ByType,
    /// Certainly no `Result`.
    Other(&'t Type),
    /// There is none.
    Nothing,
}

impl<'t> Returns<'t> {
    /// Reads what follows the parameters.
    pub(crate) fn of(output: &'t ReturnType) -> Self {
        match output {
            ReturnType::Default => Self::Nothing,
            ReturnType::Type(_, ty) => Self::of_type(ty),
        }
    }

    /// Reads a return type.
    pub(crate) fn of_type(ty: &'t Type) -> Self {
        let Type::Path(path) = bare(ty) else {
            return if matches!(bare(ty), Type::Macro(_)) { Self::ByType } else { Self::Other(ty) };
        };
        let Some(last) = path.path.segments.last() else { return Self::Other(ty) };
        match &types(&last.arguments)[..] {
            [ok, err] if last.ident == "Result" => Self::Result { ok, err },
            _ if ["Option", "Vec", "String", "bool"].iter().any(|plain| last.ident == plain) => Self::Other(ty),
            _ => Self::ByType,
        }
    }

    /// `T` of `Result<T, E>`.
    pub(crate) fn ok(self) -> Option<&'t Type> {
        if let Self::Result { ok, .. } = self { Some(ok) } else { None }
    }

    /// The word that names the error type, e.g. `Failure`.
    pub(crate) fn error_word(self) -> Option<&'t Ident> {
        let Self::Result { err, .. } = self else { return None };
        let Type::Path(path) = bare(err) else { return None };
        path.path.segments.last().map(|segment| &segment.ident)
    }

    /// `R` of `Result<T, Unwind<R>>`, and `T`.
    pub(crate) fn flow(self) -> Option<(&'t Type, &'t Type)> {
        self.ok().zip(self.refusal_in("Unwind"))
    }

    /// `R` of `Result<T, Failure<R>>`.
    pub(crate) fn refusal(self) -> Option<&'t Type> {
        self.refusal_in("Failure")
    }

    fn refusal_in(self, word: &str) -> Option<&'t Type> {
        let Self::Result { err, .. } = self else { return None };
        let Type::Path(path) = bare(err) else { return None };
        let last = path.path.segments.last()?;
        match &types(&last.arguments)[..] {
            [refusal] if last.ident == word => Some(refusal),
            _ => None,
        }
    }

    /// Whether a step that returns this can be refused.
    pub(crate) fn refusable(self) -> Refusable {
        match self.error_word() {
            Some(word) if word == "Failure" => Refusable::Yes,
            Some(word) if word == "Transient" => Refusable::No,
            _ => Refusable::ByType,
        }
    }
}

/// The types among generic arguments.
fn types(arguments: &PathArguments) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else { return Vec::new() };
    arguments
        .args
        .iter()
        .filter_map(|argument| if let GenericArgument::Type(ty) = argument { Some(ty) } else { None })
        .collect()
}
