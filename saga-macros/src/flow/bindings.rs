//! The locals of a flow, each under a name of its own.
//!
//! Between resolving and emitting, every use of a local is spelled with a name that no other local has (`order__b3`), also
//! inside macros and inside the text of their string literals. No later phase thinks about scopes; at the very end
//! [`Bindings::restore`] gives each token the user's own name back, with its span as it was.

use proc_macro2::{Group, Ident, Literal, Span, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::{Member, Stmt, Type, ext::IdentExt};

/// An index into [`Bindings`].
pub(crate) type BindingId = usize;

/// The flow's context: always the first that is declared.
pub(crate) const CONTEXT: BindingId = 0;

/// Whether this name of ours is the context's.
pub(crate) fn is_context(unique: &Ident) -> bool {
    unique.to_string().ends_with("__b0")
}

/// One local of the flow.
#[derive(Debug)]
pub(crate) struct Binding {
    /// As the user wrote it where it is declared.
    pub(crate) ident: Ident,
    /// The same without `r#`, as text, which is quick to compare.
    pub(crate) name: String,
    /// Its name inside this phase (e.g. `order__b3`).
    pub(crate) unique: String,
    /// The name under which its value is saved.
    pub(crate) frame: String,
    /// Whether it is declared `mut`.
    pub(crate) mutable: bool,
    /// Where its value comes from.
    pub(crate) kind: Kind,
    /// Whether it is declared without a value (`let x;`).
    pub(crate) deferred: bool,
    /// The type written at its declaration, if one is.
    pub(crate) ty: Option<Type>,
    /// Whether its type is one that a step or an inner flow takes or returns, of which it is asked there whether it can be
    /// saved.
    pub(crate) asked: bool,
}

/// Where the value of a local comes from.
#[derive(Debug)]
pub(crate) enum Kind {
    /// The flow's context: handed to every arm.
    Context,
    /// The flow's input.
    Input,
    /// A `let`, a pattern, an assignment.
    Local,
    /// Invented here, e.g. the position of a loop.
    Invented,
    /// A field of a local that is taken apart.
    Field(BindingId, Member),
    /// Made again wherever it is needed: by this statement, from these locals.
    Derived(Box<Derivation>),
}

/// How a local is made again in an arm, instead of being saved.
#[derive(Debug)]
pub(crate) struct Derivation {
    /// The statement that declares it.
    pub(crate) statement: Stmt,
    /// The locals that the statement reads.
    pub(crate) from: BTreeSet<BindingId>,
}

/// All locals of a flow.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    list: Vec<Binding>,
    by_unique: BTreeMap<String, BindingId>,
    /// The fields of locals that are taken apart.
    fields: BTreeMap<(BindingId, String), BindingId>,
    /// Those whose own name is taken, where they are used, by a local that is needed at the same place.
    pub(crate) renamed: BTreeSet<BindingId>,
}

impl Bindings {
    /// Adds a local, and returns it.
    pub(crate) fn declare(&mut self, ident: &Ident, mutable: bool, kind: Kind) -> BindingId {
        let id = self.list.len();
        let name = ident.unraw().to_string();
        let unique = format!("{name}__b{id}");
        self.by_unique.insert(unique.clone(), id);
        let (ident, frame) = (ident.clone(), name.clone());
        self.list.push(Binding { ident, name, unique, frame, mutable, kind, deferred: false, ty: None, asked: false });
        id
    }

    /// Adds a local of our own, saved (should it live across a step) under `frame`, after which it is called as well:
    /// `__at` of `(line)` is `__at_line`.
    pub(crate) fn invent(&mut self, name: &str, frame: String, mutable: bool, span: Span) -> BindingId {
        let of = field_name(&frame);
        let own = if name.ends_with(&format!("__{of}")) { name.to_owned() } else { format!("{name}_{of}") };
        let numbered = std::iter::once(own.clone()).chain((2..).map(|number| format!("{own}_{number}")));
        let is_free = |name: &String| self.list.iter().all(|binding| binding.ident != name);
        let ident = Ident::new(&numbered.into_iter().find(is_free).unwrap_or(own), span);
        let id = self.declare(&ident, mutable, Kind::Invented);
        self.list[id].frame = frame;
        id
    }

    /// Adds a place for a field of a local that is taken apart.
    pub(crate) fn declare_field(&mut self, of: BindingId, field: &Member) {
        if self.field(of, field).is_some() {
            return;
        }
        let (ident, mutable) = (self.list[of].ident.clone(), self.list[of].mutable);
        let frame = format!("{}.{}", self.list[of].frame, spelled(field).trim_start_matches("r#"));
        let id = self.declare(&ident, mutable, Kind::Field(of, field.clone()));
        self.list[id].frame = frame;
        self.fields.insert((of, spelled(field)), id);
    }

    /// Only these locals are taken apart; every other one is whole.
    pub(crate) fn keep_whole_but(&mut self, apart: &BTreeSet<BindingId>) {
        self.fields.retain(|(of, _), _| apart.contains(of));
    }

    /// The place of a field, if its local is taken apart.
    pub(crate) fn field(&self, of: BindingId, field: &Member) -> Option<BindingId> {
        self.fields.get(&(of, spelled(field))).copied()
    }

    /// The places of all fields of a local.
    pub(crate) fn fields_of(&self, of: BindingId) -> impl Iterator<Item = BindingId> + '_ {
        self.fields.range((of, String::new())..(of + 1, String::new())).map(|(_, &id)| id)
    }

    /// The local of this name of ours.
    pub(crate) fn find(&self, unique: &str) -> Option<BindingId> {
        self.by_unique.get(unique).copied()
    }

    /// The local that this identifier names, if it names one.
    pub(crate) fn of(&self, ident: &Ident) -> Option<BindingId> {
        self.find(&ident.to_string())
    }

    /// Whether another local has the name of this one.
    pub(crate) fn is_hidden(&self, id: BindingId) -> bool {
        self.list.iter().enumerate().any(|(other, binding)| other != id && binding.ident == self.list[id].ident)
    }

    /// The unique name as an identifier, where the user declared the local.
    pub(crate) fn unique(&self, id: BindingId) -> Ident {
        Ident::new(&self.list[id].unique, self.list[id].ident.span())
    }

    /// How the local is spelled in the machine.
    fn spelled(&self, id: BindingId, span: Span) -> Ident {
        let binding = &self.list[id];
        // All that the machine has beside the user's locals begins like this.
        let is_ours = matches!(binding.kind, Kind::Invented | Kind::Context);
        let is_taken = !is_ours && binding.name.starts_with("__");
        if is_taken || self.renamed.contains(&id) {
            return Ident::new(&format!("__b{id}_{}", binding.name), span);
        }
        let mut ident = binding.ident.clone();
        ident.set_span(span);
        ident
    }

    /// The same tokens in the user's own names.
    pub(crate) fn restore(&self, tokens: TokenStream) -> TokenStream {
        self.restored(tokens.clone()).unwrap_or(tokens)
    }

    /// The same, if it is not what it was: to put a group together again costs more than to look into it.
    fn restored(&self, tokens: TokenStream) -> Option<TokenStream> {
        let mut changed = false;
        let restore = |token| {
            let restored = match &token {
                TokenTree::Ident(ident) => self.of(ident).map(|id| self.spelled(id, ident.span()).into()),
                TokenTree::Group(group) => self.restored(group.stream()).map(|inside| {
                    let mut restored = Group::new(group.delimiter(), inside);
                    restored.set_span(group.span());
                    restored.into()
                }),
                TokenTree::Literal(literal) => self.restored_literal(literal).map(TokenTree::from),
                TokenTree::Punct(_) => None,
            };
            changed |= restored.is_some();
            restored.unwrap_or(token)
        };
        let restored: Vec<TokenTree> = tokens.into_iter().map(restore).collect();
        changed.then(|| restored.into_iter().collect())
    }

    fn restored_literal(&self, literal: &Literal) -> Option<Literal> {
        literal.to_string().contains("__b").then(|| {
            super::tokens::map_captured(literal, |name| {
                self.find(name).map(|id| self.spelled(id, literal.span()).unraw().to_string())
            })
        })
    }

    /// The user's own spelling of tokens, for messages and drawings.
    pub(crate) fn text(&self, tokens: TokenStream) -> String {
        super::tokens::text(self.restore(tokens))
    }
}

/// The name under which something is saved, as a part of an identifier.
pub(crate) fn field_name(frame: &str) -> String {
    let words = frame.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

/// A field as it is written.
fn spelled(field: &Member) -> String {
    match field {
        Member::Named(name) => name.to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}

impl std::ops::Index<BindingId> for Bindings {
    type Output = Binding;
    fn index(&self, id: BindingId) -> &Binding {
        &self.list[id]
    }
}

impl std::ops::IndexMut<BindingId> for Bindings {
    fn index_mut(&mut self, id: BindingId) -> &mut Binding {
        &mut self.list[id]
    }
}
