//! What the targets have in common.

/// Feeds the decoder of this name.
///
/// # Panics
/// The library breaks its word, or there is no such decoder.
pub fn read(name: &str, bytes: &[u8]) {
    let decoder = saga_decoders::ALL.iter().find(|decoder| decoder.name == name).expect("there is such a decoder");
    (decoder.read)(bytes);
}
