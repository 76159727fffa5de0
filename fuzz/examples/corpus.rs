//! Writes what the library writes by itself into `corpus/`, for the targets to begin with.

use saga_decoders::{ALL, Written};
use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let written = Written::new();
    for decoder in &ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(decoder.name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in (decoder.seeds)(&written).iter().enumerate() {
            fs::write(folder.join(format!("{number:04}")), seed)?;
        }
    }
    Ok(())
}
