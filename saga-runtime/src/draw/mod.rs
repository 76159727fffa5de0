//! Drawings of a definition: as Mermaid, as Graphviz, and as an SVG that needs nothing else to be seen.

mod dot;
mod fold;
mod graph;
mod lane;
mod layout;
mod mermaid;
mod node;
mod paint;
mod route;
mod shape;
mod svg;
mod text;

#[cfg(test)]
mod random;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use crate::definition::Definition;

/// Drawings. Each is the same in every build: it depends on the definition and on nothing else.
impl Definition {
    /// The graphs of all its flows as one [Mermaid](https://mermaid.js.org) flowchart, for a Markdown file whose reader
    /// draws those.
    ///
    /// Names, conditions and labels come from source code; whatever they contain is shown as text.
    ///
    /// ```
    /// # use saga_runtime::definition::Definition;
    /// # fn show(definition: &Definition) {
    /// println!("```mermaid\n{}```", definition.to_mermaid());
    /// # }
    /// ```
    pub fn to_mermaid(&self) -> String {
        mermaid::write(self)
    }

    /// The graphs of all its flows in the language of [Graphviz](https://graphviz.org/doc/info/lang.html), for `dot` and its relatives.
    ///
    /// ```
    /// # use saga_runtime::definition::Definition;
    /// # fn show(definition: &Definition) -> std::io::Result<()> {
    /// std::fs::write("checkout.dot", definition.to_dot())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_dot(&self) -> String {
        dot::write(self)
    }

    /// The graphs of all its flows as one SVG document, laid out here: it holds no script, no style sheet and no reference to anything
    /// outside, and can stand alone, in an `<img>`, or within a page.
    ///
    /// The flow runs down; each step says its class. The lane at the side runs up: each compensation stands beside the
    /// step that it undoes, and a refusal that the flow lets out enters the lane where it happens, so that what is above
    /// is what will be undone. A step in doubt is undone first, by its own compensation.
    ///
    /// A join is a bar that forks and a bar that joins, with its branches in between; the refusal of a join leads into
    /// what undoes it, since that is undone before the flow is told. A stack of boxes is there once for each item of a
    /// collection. A box with lines at its sides is an inner flow, whose own graph is drawn below; one with a double
    /// border is another saga. An hourglass sleeps, a notch at the left waits for a signal, and what has a point at the
    /// right sends a signal or launches another saga.
    ///
    /// ```
    /// # use saga_runtime::definition::Definition;
    /// # fn show(definition: &Definition) -> std::io::Result<()> {
    /// std::fs::write("checkout.svg", definition.to_svg())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_svg(&self) -> String {
        svg::write(self)
    }
}
