//! Tokens that are like what people write, and wrong in some way: half typed, torn, doubled, of another saga.

use super::{
    dice::Dice,
    streams::{count, edit, group, is_punct, trees},
};
use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// Words that mean something to Rust or to the macros.
const WORDS: &str = "self Self cx crate super async await fn impl trait for in loop while if else match let mut ref move return \
    break continue const static unsafe extern where dyn pub use struct enum type as true false _ r#type __join \
    __cx __drive join run flow step compensate signal state saga name version deadline inner read_only pivot \
    retriable transaction policy timeout key_valid retry attempts attempts_then no_compensation idempotent \
    within until forever wait child launch send sleep sleep_until join_all now set_label initial max jitter \
    Result Option Some None Ok Err Unwind Failure Transient Outcome FlowContext StepContext Signal input order \
    line x a b c cfg doc refusal";

/// Literals of every kind, with what is special about some.
const LITERALS: &[&str] = &[
    "0",
    "1",
    "42u32",
    "4294967296",
    "99999999999999999999999999999999999999999999",
    "1.5",
    "1e400",
    "0x_f",
    "\"\"",
    "\"2s\"",
    "\"3d\"",
    "\"0s\"",
    "\"99999999999999999999s\"",
    "\"{x}\"",
    "\"{x:?} {{}} {line.name} {0} {:>width$.prec$}\"",
    "\"{\"",
    "\"}\"",
    "\"{x",
    "\"größe\"",
    "\"{größe}\"",
    "r#\"raw {x}\"#",
    "b\"bytes\"",
    "c\"c\"",
    "'x'",
    "b'x'",
    "\"\\u{1F600}{x}\"",
    "\"park\"",
    "\"a/b\"",
];

/// All marks.
const MARKS: &str = "#!?.,;:=<>+-*/%&|^~@$'";

const DELIMITERS: [Delimiter; 4] = [Delimiter::Parenthesis, Delimiter::Brace, Delimiter::Bracket, Delimiter::None];

/// What lies nested in what, when it lies deep: each with a gap.
const NESTS: &[(&str, &str)] = &[
    ("(", ")"),
    ("{", "}"),
    ("[", "]"),
    ("&&", ""),
    ("!", ""),
    ("Some(", ")"),
    ("if x {", "} else { return Ok(1) }"),
    ("loop {", "}"),
    ("match x { _ =>", "}"),
    ("|x|", ""),
    ("async {", "}"),
    ("for x in y {", "}"),
    ("x + (", ").await"),
];

/// Changes tokens at random, and takes from others what it puts in.
pub(super) struct Mutator<'s> {
    pub(super) dice: Dice,
    /// Where it takes from.
    pub(super) donors: &'s [TokenStream],
    /// Whether it only puts statements and words of `donors` in other places, most of which the parser lets pass.
    pub(super) gentle: bool,
}

impl Mutator<'_> {
    /// Some changes.
    pub(super) fn mutate(&mut self, mut stream: TokenStream) -> TokenStream {
        let changes = 1 + self.dice.roll(3) * self.dice.roll(4);
        for _ in 0..changes {
            let tokens = count(&stream);
            if tokens == 0 {
                return self.random(2);
            }
            let mut number = self.dice.roll(tokens);
            stream = edit(stream, &mut number, &mut |run, at| self.change(run, at));
        }
        stream
    }

    fn change(&mut self, run: &mut Vec<TokenTree>, at: usize) {
        match if self.gentle { *self.dice.one_of(&[7, 8, 14]) } else { self.dice.roll(17) } {
            0 => drop(run.remove(at)),
            1 => run.insert(at, run[at].clone()),
            2 => {
                let other = self.dice.roll(run.len());
                run.swap(at, other);
            }
            3 => run.truncate(at),
            4 => run[at] = self.token(2),
            5 => run.insert(at, self.token(2)),
            6 => {
                let donated = self.donated();
                run.splice(at..at, donated);
            }
            7 | 8 => self.statement(run, at),
            9 | 10 => run[at] = self.alike(&run[at].clone()),
            11 => self.deep(run, at),
            12 => {
                let end = at + 1 + self.dice.roll((run.len() - at).min(6));
                let inside: Vec<_> = run.drain(at..end).collect();
                run.insert(at, group(*self.dice.one_of(&DELIMITERS), inside));
            }
            13 => {
                if let TokenTree::Group(inside) = run[at].clone() {
                    run.splice(at..=at, inside.stream());
                }
            }
            14 => {
                // A word of the same run, which may well have a meaning here.
                let words: Vec<_> = run.iter().filter(|token| matches!(token, TokenTree::Ident(_))).cloned().collect();
                if !words.is_empty() {
                    run[at] = self.dice.one_of(&words).clone();
                }
            }
            15 => {
                let end = at + 1 + self.dice.roll(run.len() - at);
                let moved: Vec<_> = run.drain(at..end).collect();
                let to = self.dice.roll(run.len() + 1);
                run.splice(to..to, moved);
            }
            _ => {
                let end = at + 1 + self.dice.roll((run.len() - at).min(8));
                let again = run[at..end].to_vec();
                run.splice(at..at, again);
            }
        }
    }

    /// Puts a statement of another saga here, or in the place of one that is here.
    fn statement(&mut self, run: &mut Vec<TokenTree>, at: usize) {
        let from = self.donor_run();
        let start = self.dice.roll(from.len().max(1));
        let bounds = |tokens: &[TokenTree], at: usize| {
            let ends = |token: &TokenTree| is_punct(token, ';') || is_punct(token, ',');
            let start = tokens[..at].iter().rposition(ends).map_or(0, |end| end + 1);
            let end = tokens[at..].iter().position(ends).map_or(tokens.len(), |end| at + end + 1);
            start..end
        };
        let donated = if from.is_empty() { Vec::new() } else { from[bounds(&from, start)].to_vec() };
        let own = bounds(run, at);
        let own = if self.dice.once_in(2) { own } else { own.start..own.start };
        run.splice(own, donated);
    }

    /// A token of the same kind.
    fn alike(&mut self, token: &TokenTree) -> TokenTree {
        match token {
            TokenTree::Ident(_) => self.word(),
            TokenTree::Literal(_) => self.literal(),
            TokenTree::Punct(_) => self.mark(),
            TokenTree::Group(old) if self.dice.once_in(2) => group(*self.dice.one_of(&DELIMITERS), old.stream()),
            // The contents of another group.
            TokenTree::Group(old) => Group::new(old.delimiter(), self.donor_run().into_iter().collect()).into(),
        }
    }

    /// Lays a token deep within others.
    fn deep(&mut self, run: &mut [TokenTree], at: usize) {
        let (before, after) = *self.dice.one_of(NESTS);
        let depth = 1 + self.dice.roll(24);
        let token = run[at].to_string();
        let text = format!("{} {token} {}", before.repeat(depth), after.repeat(depth));
        if let Ok(tokens) = text.parse::<TokenStream>() {
            run[at] = group(Delimiter::None, tokens);
        }
    }

    /// All tokens of a run of another saga.
    fn donor_run(&mut self) -> Vec<TokenTree> {
        let donor = self.dice.one_of(self.donors).clone();
        let mut number = self.dice.roll(count(&donor).max(1));
        let mut found = Vec::new();
        edit(donor, &mut number, &mut |run, _| found.clone_from(run));
        found
    }

    /// A few tokens of another saga.
    fn donated(&mut self) -> Vec<TokenTree> {
        let run = self.donor_run();
        let start = self.dice.roll(run.len().max(1));
        run.into_iter().skip(start).take(1 + self.dice.roll(8)).collect()
    }

    fn token(&mut self, depth: usize) -> TokenTree {
        match self.dice.roll(6) {
            0 => self.literal(),
            1 => self.mark(),
            2 if depth > 0 => group(*self.dice.one_of(&DELIMITERS), self.random(depth - 1)),
            3 => self.donated().into_iter().next().unwrap_or_else(|| Literal::u8_unsuffixed(1).into()),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> TokenTree {
        let words: Vec<&str> = WORDS.split_whitespace().collect();
        let word = *self.dice.one_of(&words);
        word.strip_prefix("r#")
            .map_or_else(|| Ident::new(word, Span::call_site()), |raw| Ident::new_raw(raw, Span::call_site()))
            .into()
    }

    fn literal(&mut self) -> TokenTree {
        let parsed = self.dice.one_of(LITERALS).parse::<Literal>();
        parsed.unwrap_or_else(|_| Literal::u8_unsuffixed(1)).into()
    }

    fn mark(&mut self) -> TokenTree {
        let mark = MARKS.chars().nth(self.dice.roll(MARKS.len())).unwrap_or(';');
        // A quote is the start of a lifetime, and is always joined to its name.
        let joint = mark == '\'' || self.dice.once_in(2);
        Punct::new(mark, if joint { Spacing::Joint } else { Spacing::Alone }).into()
    }

    /// Tokens that nobody has written.
    pub(super) fn random(&mut self, depth: usize) -> TokenStream {
        let length = self.dice.roll(12);
        let mut tokens = Vec::new();
        for _ in 0..length {
            if depth > 0 && self.dice.once_in(4) {
                tokens.push(group(*self.dice.one_of(&DELIMITERS), self.random(depth - 1)));
            } else {
                tokens.push(self.token(0));
            }
            if tokens.last().is_some_and(|token| is_punct(token, '\'')) {
                tokens.push(self.word());
            }
        }
        tokens.into_iter().collect()
    }

    /// Options that nobody has written, but might.
    pub(super) fn options(&mut self) -> TokenStream {
        let mut text = String::new();
        for _ in 0..self.dice.roll(5) {
            text += &self.word().to_string();
            text += *self.dice.one_of(&["", " = ", "(", " =", " == "]);
            text += *self.dice.one_of(LITERALS);
            text += *self.dice.one_of(&["", ")", ", ", ",,", "; "]);
        }
        text.parse().map_or_else(|_| self.random(1), |tokens: TokenStream| trees(tokens).into_iter().collect())
    }
}
