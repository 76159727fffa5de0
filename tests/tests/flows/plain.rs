//! Plain code between steps: macros, closures, items, hash order, conditional moves.

use super::*;

flow! { macros_see_locals[a b]
    (self, cx, input: Order) -> String {
        let n = self.a(cx, "x").await?;
        let note = input.note.clone();
        let width = 6;
        self.b(cx, "y").await?;
        assert!(n == 1, "{n} is not {}", 1);
        assert_eq!(n, 1, "{note:?}");
        let odd = matches!(note, Some(ref text) if text.ends_with('1'));
        let all = vec![n; 2];
        Ok(format!("{n:>width$} {note:?} {odd} {all:?} {}", input.id))
    }
    order(1, &[]), order(2, &[])
}

flow! { closures[a b]
    (self, cx, input: Vec<u32>) -> Vec<u32> {
        let offset = self.a(cx, "xx").await?;
        let shift = |x: &u32| x + offset;
        let shifted: Vec<u32> = input.iter().map(shift).collect();
        self.b(cx, &shifted.len().to_string()).await?;
        Ok(shifted.into_iter().filter(|x| *x > offset).collect())
    }
    vec![], vec![0, 1, 2]
}

flow! { items_in_the_body[a b]
    (self, cx, input: u32) -> u32 {
        use std::cmp::max;
        const LEAST: u32 = 3;
        fn double(x: u32) -> u32 {
            x * 2
        }
        let n = self.a(cx, "x").await?;
        let m = max(double(input) + n, LEAST);
        self.b(cx, &m.to_string()).await?;
        Ok(max(double(m), LEAST))
    }
    0, 5
}

flow! { hash_order_between_steps[a b]
    (self, cx, input: Vec<String>) -> Vec<(String, usize)> {
        let mut counts = std::collections::HashMap::new();
        for word in &input {
            *counts.entry(word.clone()).or_insert(0) += 1;
        }
        self.a(cx, "x").await?;
        let mut sorted: Vec<_> = counts.iter().map(|(word, n)| (word.clone(), *n)).collect();
        sorted.sort();
        self.b(cx, &counts.len().to_string()).await?;
        counts.clear();
        Ok(sorted)
    }
    vec![], vec!["a".into(), "b".into(), "a".into()]
}

flow! { conditional_moves[a b]
    (self, cx, input: Order) -> usize {
        let note = input.note;
        let lines = input.lines;
        if input.id > 5 {
            drop(note);
            self.a(cx, "moved").await?;
            return Ok(lines.len());
        }
        self.b(cx, "kept").await?;
        Ok(note.map_or(0, |note| note.len()))
    }
    order(1, &["x"]), order(7, &["x"])
}

flow! { assigned_after_a_move[a b]
    (self, cx, input: String) -> String {
        let mut text = input;
        if text.len() > 1 {
            drop(text);
            text = "new".to_owned();
        }
        self.a(cx, &text).await?;
        let taken = std::mem::take(&mut text);
        self.b(cx, &taken).await?;
        text.push_str(&taken);
        Ok(text)
    }
    "x".into(), "long".into()
}

flow! { fields_and_methods[a b]
    (self, cx, mut input: Order) -> Order {
        input.id += self.a(cx, &input.lines[0].sku).await?;
        input.lines[0].quantity = self.b(cx, &input.id.to_string()).await?;
        input.lines.push(Line { sku: "new".into(), quantity: 1 });
        Ok(input)
    }
    order(1, &["x"])
}

flow! { none_that_is_some_later[a b]
    (self, cx, input: u32) -> Option<u32> {
        let mut best = None;
        let n = self.a(cx, "x").await?;
        if input > n {
            best = Some(input);
        }
        self.b(cx, "y").await?;
        if best.is_none() && input == 0 {
            best = Some(0);
        }
        Ok(best)
    }
    0, 1, 2
}

flow! { same_field_and_local[a]
    (self, cx, input: Order) -> String {
        let id = "moved".to_owned();
        let taken = id;
        self.a(cx, "x").await?;
        Ok(format!("{} {taken} {}", input.id, stringify!(id)))
    }
    order(1, &[])
}

flow! { taken_apart_by_a_loop[a b]
    (self, cx, input: Order) -> String {
        let mut all = String::new();
        for line in input.lines {
            let n = self.a(cx, &line.sku).await?;
            all.push_str(&format!("{} {n} {} ", line.sku, input.id));
        }
        self.b(cx, &all).await?;
        Ok(format!("{all}{} {:?}", input.id, input.note))
    }
    order(1, &["x", "y"]), order(2, &[])
}

flow! { taken_apart_by_lets[a b]
    (self, cx, input: Order) -> String {
        self.a(cx, &input.lines.len().to_string()).await?;
        let whole = format!("{input:?}");
        let Some(note) = input.note else {
            #[state("none")]
            self.a(cx, "none").await?;
            return Ok(format!("{} {}", input.id, input.lines.len()));
        };
        self.b(cx, &note).await?;
        let lines = input.lines;
        let id = || input.id;
        Ok(format!("{} {lines:?} {note} {whole}", id()))
    }
    order(1, &["x", "y"]), order(2, &["z"])
}

flow! { taken_apart_on_one_way[a b c]
    (self, cx, input: Order) -> String {
        if input.id > 2 {
            let lines = input.lines;
            self.a(cx, &lines.len().to_string()).await?;
        } else {
            self.b(cx, &format!("{:?}", input.lines)).await?;
        }
        self.c(cx, "c").await?;
        Ok(format!("{} {:?}", input.id, input.note))
    }
    order(1, &["x", "y"]), order(3, &["z"])
}

flow! { a_local_taken_apart[a b]
    (self, cx, input: Order) -> String {
        let order = input.clone();
        self.a(cx, &order.lines.len().to_string()).await?;
        for line in order.lines {
            self.b(cx, &line.sku).await?;
        }
        Ok(format!("{} {:?} {}", order.id, order.note, input.id))
    }
    order(1, &["x", "y"])
}

flow! { copies_are_not_moves[a b]
    (self, cx, input: u32) -> (u32, u32) {
        let same = input;
        let twice = u32::max(input, 1) + same;
        self.a(cx, &"x".repeat(input as usize)).await?;
        let pair = (input, twice);
        self.b(cx, &twice.to_string()).await?;
        Ok((pair.0 + input, twice))
    }
    0, 2
}

flow! { a_local_taken_apart_by_lets[a b]
    (self, cx, input: Order) -> String {
        let order = input.clone();
        let lines = order.lines;
        self.a(cx, &lines.len().to_string()).await?;
        let note = order.note;
        self.b(cx, "b").await?;
        Ok(format!("{} {note:?} {lines:?}", order.id))
    }
    order(1, &["x", "y"])
}

#[test]
fn a_local_is_saved_whole_unless_it_is_taken_apart() {
    assert_eq!(one_field_is_copied::slots(), ["input"]);
    assert_eq!(taken_apart_by_a_loop::slots()[0], "input");
    assert!(taken_apart_by_a_loop::slots().contains(&"input.note"));
}

flow! { one_field_is_copied[a b]
    (self, cx, input: Order) -> Line {
        self.a(cx, &input.id.to_string()).await?;
        self.b(cx, &format!("{:?}", input.note)).await?;
        Ok(Line { sku: input.id.to_string(), quantity: input.id })
    }
    order(1, &["x", "y"])
}
