//! Text that comes from source code, made fit to be drawn: on one line, no longer than its place, and measured.

use std::time::Duration;

/// A typeface, as far as its widths matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    /// For names and conditions: every letter is as wide as the next.
    Code,
    /// For prose.
    Prose,
}

/// The text on one line: runs of white space become one space, and what cannot be seen, or would turn the reading
/// direction of what follows, becomes a replacement character.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().map(|c| if is_unseen(c) { char::REPLACEMENT_CHARACTER } else { c }));
    }
    line
}

fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff)
}

/// The text on one line and no longer than `most` characters, the last of which says that there was more.
pub(super) fn clipped(text: &str, most: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= most {
        return line;
    }
    let mut short: String = line.chars().take(most.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

/// As much of the text, on one line, as there is room for.
pub(super) fn fitted(text: &str, room: i32, size: i32, face: Face) -> String {
    let line = one_line(text);
    let mut most = line.chars().count();
    let mut short = clipped(&line, most);
    while most > 1 && width(&short, size, face) > room {
        most -= 1;
        short = clipped(&line, most);
    }
    short
}

/// A time as it is written in an attribute, in its largest units: `30d`, `1h 30m`, `250ms`.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (u64::from(time.subsec_millis()), "ms"),
    ];
    let said: Vec<String> =
        units.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if said.is_empty() { "0s".to_owned() } else { said.join(" ") }
}

/// How wide the text may become in any common font: rather too much than too little, since a box is made to fit it.
pub(super) fn width(text: &str, size: i32, face: Face) -> i32 {
    let hundredths: i32 = text.chars().map(|c| char_width(c, face)).sum();
    (hundredths * size + 99) / 100
}

/// In hundredths of the font's size. The prose widths are those of a wide font, rounded up.
fn char_width(c: char, face: Face) -> i32 {
    match (face, c) {
        // Letters of other scripts, and signs that come from another font, can take a full square or a little more.
        (_, c) if !c.is_ascii() && c != '…' && c != '·' => 125,
        (Face::Code, _) => 63,
        (Face::Prose, 'i' | 'j' | 'l' | 'f' | 't' | 'r' | 'I' | ' ' | '.' | ',' | ':' | ';' | '\'' | '|' | '·') => 43,
        (Face::Prose, 'm' | 'w' | 'M' | 'W' | '@' | '%' | '…') => 102,
        (Face::Prose, c) if c.is_ascii_uppercase() || "<>=+&~^".contains(c) => 84,
        (Face::Prose, _) => 65,
    }
}

/// The text with what XML reserves written as entities; good in content and between either kind of quotes.
pub(super) fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{Face, clipped, fitted, one_line, span, width, xml};
    use std::time::Duration;

    #[test]
    fn text_is_brought_onto_one_line() {
        assert_eq!(one_line("  a\n\t b\r\nc "), "a b c");
    }

    #[test]
    fn what_cannot_be_seen_is_shown_to_be_there() {
        assert_eq!(one_line("a\u{0}b\u{202e}c\u{fffe}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
    }

    #[test]
    fn long_text_is_cut_at_a_character_and_says_so() {
        assert_eq!(clipped("größer", 6), "größer");
        assert_eq!(clipped("größer als", 6), "größe…");
        assert_eq!(clipped("größ als", 6), "größ…");
    }

    #[test]
    fn the_width_grows_with_text_and_size() {
        assert_eq!(width("abcd", 10, Face::Code), 26);
        assert_eq!(width("", 10, Face::Prose), 0);
        assert!(width("WWW", 10, Face::Prose) > width("iii", 10, Face::Prose));
        assert_eq!(width("漢字", 12, Face::Code), 30);
    }

    #[test]
    fn text_is_cut_where_there_is_no_more_room() {
        assert_eq!(fitted("four word", 57, 10, Face::Code), "four word");
        assert_eq!(fitted("four  words", 57, 10, Face::Code), "four wor…");
        assert_eq!(fitted("four", 1, 10, Face::Code), "…");
    }

    #[test]
    fn a_time_is_said_in_its_largest_units() {
        for (millis, said) in
            [(0, "0s"), (250, "250ms"), (5_400_000, "1h 30m"), (2_592_000_000, "30d"), (90_061_001, "1d 1h 1m 1s 1ms")]
        {
            assert_eq!(span(Duration::from_millis(millis)), said);
        }
    }

    #[test]
    fn xml_is_escaped() {
        assert_eq!(xml("a<b> & \"c\" 'd'"), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
    }
}
