use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

#[derive(Debug, Serialize, Deserialize, Refusal)]
struct Plain;

#[derive(Debug, Serialize, Deserialize, Refusal)]
enum Generic<T, const N: usize>
where
    T: Clone,
{
    No(T),
}

mod elsewhere {
    pub use saga_runtime as runtime;
}

#[derive(Debug, Serialize, Deserialize, Refusal)]
#[refusal(crate = elsewhere::runtime)]
struct Renamed(u8);

fn refuse(how: u8) -> Result<(), Failure<Generic<String, 1>>> {
    match how {
        0 => Err(Generic::No("no".to_owned()))?,
        _ => "x".parse::<u8>().map(drop)?,
    }
    Ok(())
}

fn unwind() -> Result<(), Unwind<Plain>> {
    Err(Plain)?;
    Ok(())
}

fn main() {
    fn saved<T: Serialize + DeserializeOwned>() {}
    saved::<Renamed>();
    assert!(matches!(refuse(0), Err(Failure::Refused(Generic::No(_)))));
    assert!(matches!(refuse(1), Err(Failure::Transient(_))));
    assert!(matches!(unwind(), Err(Unwind::Refused(Plain))));
}
