//! What may live across a step, asked of each slot once.

use super::{
    check::{ReadBack, Written},
    saga::Saga,
    slot::Slot,
};

/// Opens a slot: [`Across::open`] for a value, its inherent namesake for a reference, which is never allowed.
///
/// Which of the two a call means is found out by looking at the type: a reference has an inherent method of its own. The
/// call stands where every slot's type is known, so that the message is about the type and not about its inference.
#[derive(Debug)]
pub struct Across<'s, T>(&'s mut Slot<T>);

impl<'s, T> Across<'s, T> {
    /// Around this slot.
    pub fn new(slot: &'s mut Slot<T>) -> Self {
        Self(slot)
    }
}

impl<T: Reference> Across<'_, T> {
    /// A reference does not outlive the process.
    pub fn open(&mut self)
    where
        T: LivesAcrossAStep,
    {
    }
}

/// `&T` and `&mut T`: asked together, since of a type that is wrong for another reason rustc would not know which of two is
/// meant.
pub trait Reference {}
impl<T: ?Sized> Reference for &T {}
impl<T: ?Sized> Reference for &mut T {}

/// Never implemented for a reference.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is borrowed and lives across a step",
    label = "needed after a step, where a borrow cannot be saved",
    note = "a crash may come between: what is borrowed would be gone",
    note = "help: borrow it again after the step, or keep an owned value (`.clone()`, `.to_owned()`, `.cloned()`)"
)]
pub trait LivesAcrossAStep {}

/// Opens a slot whose type is not a reference.
pub trait Open<T> {
    /// Its value can be saved and loaded from now on.
    fn open(&mut self)
    where
        T: Written + ReadBack + Send;
}

impl<T> Open<T> for Across<'_, T> {
    fn open(&mut self)
    where
        T: Written + ReadBack + Send,
    {
        self.0.open();
    }
}

/// The slot of a local whose type is asked elsewhere, as [`Savable`](super::Savable) is.
#[derive(Debug)]
pub struct Known<'s, T>(pub &'s mut Slot<T>);

impl<T: Written + ReadBack + Send> Known<'_, T> {
    /// Its value can be saved and loaded from now on.
    pub fn open(&mut self) {
        self.0.open();
    }
}

/// What is told elsewhere.
pub trait ToldOfSlot {
    /// Never called.
    fn open(&mut self) {}
}

impl<T> ToldOfSlot for Known<'_, T> {}

/// Compiles if a value can go from thread to thread, as an instance does.
pub fn goes_on_on_any_thread<T: Send>() {}

/// Opens the slot of the flow's input, whose type the trait has asked already.
pub fn open_input<S: Saga>(slot: &mut Slot<S::Input>) {
    slot.open();
}

/// A local that is taken apart: [`Whole::is_a_value`] of a reference, which is never allowed, or [`IsAValue`] of all else.
#[derive(Debug)]
pub struct Whole<'v, T>(pub &'v T);

impl<T: Reference> Whole<'_, T> {
    /// A reference does not outlive the process.
    pub fn is_a_value(&self)
    where
        T: LivesAcrossAStep,
    {
    }
}

/// What is no reference can be saved in parts.
pub trait IsAValue {
    /// Nothing to be done.
    fn is_a_value(&self) {}
}

impl<T> IsAValue for Whole<'_, T> {}

/// A local that is about to be moved or copied by code after which it is needed.
#[derive(Debug)]
pub struct Moving<'v, T>(pub &'v T);

impl<T: Copy> Moving<'_, T> {
    /// Its copy.
    pub fn kept(&self) -> T {
        *self.0
    }
}

/// Of a type that is not `Copy`: rustc refuses the flow itself.
pub trait Moved<T> {
    /// Never called.
    fn kept(&self) -> T;
}

impl<T> Moved<T> for Moving<'_, T> {
    fn kept(&self) -> T {
        super::iterate::gone()
    }
}

/// A local that is needed in two arms but across no step: held, and never saved.
#[derive(Debug)]
pub struct Carry<T>(Option<T>);

impl<T> Carry<T> {
    /// Nothing yet.
    #[expect(clippy::new_without_default, reason = "generated code reads better with `new`")]
    pub fn new() -> Self {
        Self(None)
    }

    /// Moves the value out.
    pub fn take(&mut self) -> T {
        match self.0.take() {
            Some(value) => value,
            None => super::slot::halt(super::call::Unreadable {
                what: "value",
                name: "of the flow".into(),
                reason: "it is missing".into(),
            }),
        }
    }

    /// Puts the value.
    pub fn put(&mut self, value: T) {
        self.0 = Some(value);
    }
}
