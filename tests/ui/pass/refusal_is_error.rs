use saga_runtime::Refusal;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Refusal)]
struct OutOfStock;

impl std::fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("out of stock")
    }
}

fn main() {}
