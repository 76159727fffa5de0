use saga_runtime::prelude::*;

struct Checkout;

#[saga(name = "checkout")]
impl Default for Checkout {
    fn default() -> Self {
        Self
    }
}

fn main() {
    let _ = Checkout::default();
}
