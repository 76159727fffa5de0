//! Tables in the documentation that a run writes itself, each between two comments.

use std::{fs, path::Path};

/// Writes what stands between `<!-- bench: name -->` and `<!-- bench: end -->` in a file.
///
/// # Errors
/// The file cannot be read or written, or has no such comments.
pub(crate) fn write_between(file: &Path, name: &str, text: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let old = fs::read_to_string(file).map_err(failed)?;
    let new = replaced(&old, name, text).ok_or_else(|| {
        format!("{} has no `<!-- bench: {name} -->` with a `<!-- bench: end -->` after it", file.display())
    })?;
    fs::write(file, new).map_err(failed)
}

fn replaced(old: &str, name: &str, text: &str) -> Option<String> {
    let (before, rest) = old.split_once(&format!("<!-- bench: {name} -->\n"))?;
    let (_, after) = rest.split_once("<!-- bench: end -->")?;
    Some(format!("{before}<!-- bench: {name} -->\n\n{}\n\n<!-- bench: end -->{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn what_stands_between_the_comments_is_replaced_and_nothing_else() {
        let old = "a\n<!-- bench: x -->\nold\n<!-- bench: end -->\nb\n<!-- bench: y -->\n<!-- bench: end -->\n";
        let new = replaced(old, "x", "new\n").unwrap();
        assert_eq!(
            new,
            "a\n<!-- bench: x -->\n\nnew\n\n<!-- bench: end -->\nb\n<!-- bench: y -->\n<!-- bench: end -->\n"
        );
        assert_eq!(replaced(&new, "x", "new").unwrap(), new);
        assert_eq!(replaced(old, "z", "new"), None);
    }
}
