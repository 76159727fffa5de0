use saga_runtime::prelude::*;

#[saga(name = "checkout")]
struct Checkout {
    inventory: String,
}

fn main() {
    let Checkout { inventory } = Checkout { inventory: String::new() };
    drop(inventory);
}
