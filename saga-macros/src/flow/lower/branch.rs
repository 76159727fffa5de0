//! Branches: `if` with its chains, `match`, `let else`.

use super::{Dest, Lowering};
use crate::flow::{
    calls::ends_of,
    code::{Arm, Node, SeqId},
    graph,
    live::tokens_of,
};
use syn::{BinOp, Expr, ExprIf, ExprMatch, Local, Pat, parse_quote};

/// Where a condition leads: the end of what runs if it holds, and the beginnings of what runs if it does not.
struct Decided {
    then: (SeqId, Option<SeqId>),
    otherwise: Vec<SeqId>,
    /// The run that the (last) `if` stands in.
    at: SeqId,
}

impl Lowering<'_> {
    pub(super) fn if_(&mut self, at: SeqId, node: ExprIf, dest: &Dest) -> Option<SeqId> {
        let span = node.if_token.span;
        self.with_value(dest, span, |this, dest| {
            let elements = elements(*node.cond);
            let text = this.chain_text(&elements);
            let outside = this.visible.len();
            let then_branch = node.then_branch;
            let decided =
                this.decide(at, elements, &text, &mut Some(|this: &mut Self, seq| this.block(seq, then_branch, dest)))?;
            this.visible.truncate(outside);
            let in_place = decided.otherwise.len() == 1;
            let start = this.one_of(&decided.otherwise);
            let end = match node.else_branch {
                Some((_, otherwise)) => this.value(start, *otherwise, dest),
                None => match dest {
                    Dest::Discard => Some(start),
                    _ => this.plain(start, parse_quote!(()), dest),
                },
            };
            this.merge(decided.at, &[decided.then, (start, end)], in_place)
        })
    }

    fn chain_text(&self, elements: &[Expr]) -> String {
        let texts: Vec<String> = elements.iter().map(|element| self.bindings.text(tokens_of(element))).collect();
        texts.join(" && ")
    }

    /// One beginning for what runs if a condition does not hold, from wherever it is found out.
    fn one_of(&mut self, starts: &[SeqId]) -> SeqId {
        if let [only] = starts {
            return *only;
        }
        let block = self.code.block("Otherwise");
        for &start in starts {
            self.leave(start, block);
        }
        self.enter(block)
    }

    /// A chain of conditions, cut at its calls.
    fn decide<F: FnOnce(&mut Self, SeqId) -> Option<SeqId>>(
        &mut self,
        at: SeqId,
        mut elements: Vec<Expr>,
        text: &str,
        then: &mut Option<F>,
    ) -> Option<Decided> {
        let mut at = at;
        let mut matched = None;
        if let Some(first) = elements.first_mut()
            && self.has_call(first)
        {
            let operand = match first {
                Expr::Let(node) => &mut *node.expr,
                other => other,
            };
            at = self.hoist(at, operand)?;
            if let Expr::Let(node) = &elements[0] {
                matched = self.note_if_let(node, elements.len() == 1);
            }
        }
        let cut = (1..elements.len()).find(|&index| self.has_call(&elements[index])).unwrap_or(elements.len());
        let rest = elements.split_off(cut);
        for element in &mut elements {
            match element {
                Expr::Let(node) => {
                    self.leave_inside(at, &mut node.expr);
                    self.see(&node.pat);
                }
                other => self.leave_inside(at, other),
            }
        }
        let cond = elements.into_iter().reduce(|left, right| parse_quote!(#left && #right))?;
        let branch = self.branch_node(at, text.to_owned());
        let (yes, no) = (self.code.seq(), self.code.seq());
        self.graph.begin(yes, branch, "yes", graph::Kind::Next);
        self.graph.begin(no, branch, "no", graph::Kind::Next);
        if let Some((call, ok)) = matched {
            self.push(if ok { yes } else { no }, Node::Passed(call));
        }
        self.push(at, Node::If { cond, then: yes, otherwise: no });
        if rest.is_empty() {
            let then = then.take().map(|then| then(self, yes));
            return Some(Decided { then: (yes, then.flatten()), otherwise: vec![no], at });
        }
        let mut decided = self.decide(yes, rest, text, then)?;
        decided.otherwise.push(no);
        Some(decided)
    }

    /// `if let Ok(..) = step` and `if let Err(..) = step`: whether the way on which it matches is the `Ok` one.
    fn note_if_let(&mut self, node: &syn::ExprLet, alone: bool) -> Option<(usize, bool)> {
        let pattern = answer_pattern(&node.pat)?;
        // With more conditions, or a pattern that says more, the other way is not the other answer.
        if !alone || !pattern.whole {
            return None;
        }
        Some((self.note_matched(&node.expr)?, pattern.ok))
    }

    pub(super) fn match_(&mut self, at: SeqId, mut node: ExprMatch, dest: &Dest) -> Option<SeqId> {
        let span = node.match_token.span;
        self.with_value(dest, span, |this, dest| {
            let text = this.bindings.text(tokens_of(&node.expr));
            let mut at = at;
            let mut matched = None;
            if this.has_call(&node.expr) {
                at = this.hoist(at, &mut node.expr)?;
                if node.arms.iter().all(|arm| answer_pattern(&arm.pat).is_some()) {
                    matched = this.note_matched(&node.expr);
                }
            } else {
                this.leave_inside(at, &mut node.expr);
            }
            let branch = this.branch_node(at, text);
            let mut arms = Vec::new();
            let mut ends = Vec::new();
            for arm in node.arms {
                let seq = this.code.seq();
                let label = this.bindings.text(tokens_of(&arm.pat));
                this.graph.begin(seq, branch, label, graph::Kind::Next);
                let outside = this.visible.len();
                this.see(&arm.pat);
                if let (Some(call), Some(pattern)) = (matched, answer_pattern(&arm.pat))
                    && pattern.ok
                {
                    this.push(seq, Node::Passed(call));
                }
                let (_, last) = ends_of(tokens_of(&arm.body));
                let end = this.value(seq, *arm.body, dest);
                this.visible.truncate(outside);
                ends.push((seq, end));
                arms.push(Arm { attrs: arm.attrs, pat: arm.pat, body: seq, end: last });
            }
            let ExprMatch { attrs, match_token, brace_token, .. } = node;
            this.push(at, Node::Match { attrs, match_token, scrutinee: *node.expr, brace_token, arms });
            this.merge(at, &ends, true)
        })
    }

    /// `let PATTERN = value else { .. };`, whose value is plain by now.
    pub(super) fn let_else(&mut self, at: SeqId, mut local: Local) -> Option<SeqId> {
        let init = local.init.as_mut()?;
        let (_, diverge) = init.diverge.take()?;
        let otherwise = self.code.seq();
        let text = format!(
            "let {} = {}",
            self.bindings.text(tokens_of(&local.pat)),
            self.bindings.text(tokens_of(&init.expr))
        );
        let matched = answer_pattern(&local.pat).filter(|pattern| pattern.whole).and_then(|pattern| {
            let call = self.note_matched(&init.expr)?;
            Some((call, pattern.ok))
        });
        let branch = self.branch_node(at, text);
        self.graph.begin(otherwise, branch, "no", graph::Kind::Next);
        let place = self.code.seqs[at].len();
        if let Some(end) = self.value(otherwise, *diverge, &Dest::Discard) {
            // It does not diverge as far as its tokens tell (`else { panic!() }`): rustc will say if it does not at all.
            self.graph.arrive(end, branch);
        }
        self.graph.begin(at, branch, "yes", graph::Kind::Next);
        self.see(&local.pat);
        self.code.seqs[at].insert(place, Node::LetElse { local, otherwise });
        if let Some((call, ok)) = matched {
            self.push(if ok { at } else { otherwise }, Node::Passed(call));
        }
        Some(at)
    }

    /// The head of a `while`: its body runs in place, and everything else leaves to `after`.
    pub(super) fn while_head(
        &mut self,
        at: SeqId,
        cond: Expr,
        after: usize,
        body: impl FnOnce(&mut Self, SeqId) -> Option<SeqId>,
    ) -> Option<SeqId> {
        let elements = elements(cond);
        let text = self.chain_text(&elements);
        let outside = self.visible.len();
        let decided = self.decide(at, elements, &text, &mut Some(body))?;
        self.visible.truncate(outside);
        for start in decided.otherwise {
            self.leave(start, after);
        }
        decided.then.1
    }
}

/// The parts of `a && let b = c && d`.
fn elements(cond: Expr) -> Vec<Expr> {
    match cond {
        Expr::Binary(node) if matches!(node.op, BinOp::And(_)) => {
            let mut all = elements(*node.left);
            all.extend(elements(*node.right));
            all
        }
        Expr::Paren(node) if !matches!(*node.expr, Expr::Let(_)) && !matches!(*node.expr, Expr::Binary(_)) => {
            vec![Expr::Paren(node)]
        }
        other => vec![other],
    }
}

/// A literal `Ok(..)` or `Err(..)`.
struct AnswerPattern {
    ok: bool,
    /// Whether it matches every such answer.
    whole: bool,
}

fn answer_pattern(pat: &Pat) -> Option<AnswerPattern> {
    match pat {
        Pat::TupleStruct(node) => {
            let name = &node.path.segments.last()?.ident;
            let whole = node.elems.iter().all(is_irrefutable);
            (name == "Ok" || name == "Err").then(|| AnswerPattern { ok: name == "Ok", whole })
        }
        Pat::Paren(node) => answer_pattern(&node.pat),
        Pat::Guard(node) => Some(AnswerPattern { whole: false, ..answer_pattern(&node.pat)? }),
        Pat::Type(node) => answer_pattern(&node.pat),
        Pat::Or(node) => {
            let mut cases = node.cases.iter().map(answer_pattern);
            let first = cases.next()??;
            cases
                .all(|case| case.is_some_and(|case| case.ok == first.ok))
                .then_some(AnswerPattern { ok: first.ok, whole: false })
        }
        _ => None,
    }
}

/// Whether a pattern matches everything, as far as its tokens tell.
fn is_irrefutable(pat: &Pat) -> bool {
    match pat {
        Pat::Ident(node) => node.subpat.is_none() && !node.ident.to_string().starts_with(char::is_uppercase),
        Pat::Wild(_) | Pat::Rest(_) => true,
        Pat::Tuple(node) => node.elems.iter().all(is_irrefutable),
        Pat::Paren(node) => is_irrefutable(&node.pat),
        Pat::Reference(node) => is_irrefutable(&node.pat),
        Pat::Struct(node) => {
            node.path.segments.len() == 1 && node.fields.iter().all(|field| is_irrefutable(&field.pat))
        }
        _ => false,
    }
}
