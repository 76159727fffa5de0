//! What the tests share.

pub mod memory;

/// The shop's words.
pub mod shop {
    use saga_runtime::Refusal;
    use serde::{Deserialize, Serialize};

    /// What a customer wants.
    #[derive(Debug, Clone, Default, Serialize, Deserialize)]
    pub struct Order {
        /// One text for each line.
        pub lines: Vec<String>,
    }

    /// A reservation of goods.
    #[derive(Debug, Clone, Default, Serialize, Deserialize)]
    pub struct Hold(pub u64);

    /// Money taken.
    #[derive(Debug, Clone, Default, Serialize, Deserialize)]
    pub struct Charge(pub u64);

    /// A parcel on its way.
    #[derive(Debug, Clone, Default, Serialize, Deserialize)]
    pub struct Parcel(pub u64);

    /// The shop's "no".
    #[derive(Debug, Clone, Serialize, Deserialize, Refusal)]
    pub enum Refused {
        /// Nothing left of it.
        OutOfStock,
    }
}
