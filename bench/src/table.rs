//! Tables for the documentation.

use std::fmt::Write as _;

/// A table of Markdown that can be read as it is.
pub(crate) fn aligned<const N: usize>(head: &[String; N], rows: &[[String; N]]) -> String {
    let all = || std::iter::once(head).chain(rows);
    let widths: [usize; N] =
        std::array::from_fn(|at| all().map(|row| row[at].chars().count()).max().unwrap_or(0).max(3));
    let mut text = String::new();
    for (index, row) in all().enumerate() {
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
        if index == 0 {
            for width in widths {
                let _ = write!(text, "|{}", "-".repeat(width + 2));
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::aligned;

    #[test]
    fn a_table_is_as_wide_as_its_widest_cells() {
        let head = ["steps".to_owned(), String::new()];
        let rows = [["5".to_owned(), "no macro".to_owned()], ["100".to_owned(), "×2".to_owned()]];
        let table = "\
| steps |          |
|-------|----------|
| 5     | no macro |
| 100   | ×2       |
";
        assert_eq!(aligned(&head, &rows), table);
    }
}
