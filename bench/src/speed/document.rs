//! Tables in the documentation that a run writes itself, each between two comments.

use std::{fs, path::PathBuf};

/// What stands between `<!-- bench: name -->` and `<!-- bench: end -->` in a file.
pub(crate) struct Table<'n> {
    file: PathBuf,
    name: &'n str,
}

impl<'n> Table<'n> {
    /// Looks for it, so that it is known before anything is measured that there is a place for what comes of it.
    ///
    /// # Errors
    /// The file cannot be read, or has no such comments.
    pub(crate) fn find(file: PathBuf, name: &'n str) -> Result<Self, String> {
        let table = Self { file, name };
        table.with("")?;
        Ok(table)
    }

    /// Writes it.
    ///
    /// # Errors
    /// As [`find`](Self::find), or the file cannot be written.
    pub(crate) fn write(&self, text: &str) -> Result<(), String> {
        fs::write(&self.file, self.with(text)?).map_err(|error| format!("{}: {error}", self.file.display()))
    }

    fn with(&self, text: &str) -> Result<String, String> {
        let Self { file, name } = self;
        let old = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        replaced(&old, name, text).ok_or_else(|| {
            format!("{} has no `<!-- bench: {name} -->` with a `<!-- bench: end -->` after it", file.display())
        })
    }
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
