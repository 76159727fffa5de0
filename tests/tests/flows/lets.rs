//! `let` in all its forms, shadowing, assignment, scopes, early ends.

use super::*;

flow! { straight_line[a b c]
    (self, cx, input: u32) -> u32 {
        let first = self.a(cx, "one").await?;
        let second = self.b(cx, &format!("{input}{first}")).await?;
        self.c(cx, "last").await?;
        Ok(first + second)
    }
    1, 22
}

flow! { refusal_ends[a b]
    (self, cx, input: String) -> u32 {
        let first = self.a(cx, &input).await?;
        let second = self.b(cx, &input[1..]).await?;
        Ok(first + second)
    }
    "yes".into(), "no".into(), "xno".into()
}

flow! { tail_expression[a]
    (self, cx, input: String) -> u32 {
        Ok(self.a(cx, &input).await?)
    }
    "yes".into(), "no".into()
}

flow! { struct_of_answers[a b]
    (self, cx, input: String) -> (String, Line) {
        let copy = input.clone();
        Ok((copy, Line { sku: input, quantity: self.a(cx, "a").await? + self.b(cx, "bb").await? }))
    }
    "x".into()
}

flow! { pattern_bindings[a b]
    (self, cx, input: Order) -> u32 {
        let Order { id, lines, .. } = input;
        let (first, [second, ..]) = (self.a(cx, "x").await?, [id, 7]);
        let n @ 0.. = self.b(cx, &lines[0].sku).await?;
        Ok(first + second + n + lines.len() as u32)
    }
    order(1, &["p"]), order(2, &["q", "r"])
}

flow! { mutable_input[a]
    (self, cx, mut input: Vec<u32>) -> Vec<u32> {
        input.push(1);
        let n = self.a(cx, "x").await?;
        input.push(n);
        Ok(input)
    }
    vec![], vec![5]
}

flow! { shadowing[a b c]
    (self, cx, input: String) -> String {
        let x = input;
        let n = self.a(cx, &x).await?;
        let x = format!("{x}{n}");
        let n = self.b(cx, &x).await?;
        let x = format!("{x}/{n}");
        {
            let x = "z".repeat(x.len());
            self.c(cx, &x).await?;
        }
        Ok(x)
    }
    "s".into(), "no".into()
}

flow! { shadowing_by_a_borrow[a b]
    (self, cx, input: Order) -> String {
        let note = input.note.clone();
        if let Some(note) = &note {
            self.a(cx, note).await?;
        }
        let id = input.id;
        {
            let id = format!("order {id}");
            self.b(cx, &id).await?;
        }
        Ok(format!("{id} {note:?}"))
    }
    order(1, &[]), order(2, &[])
}

flow! { shadowing_after_the_call_in_a_scope[a b]
    (self, cx, input: String) -> String {
        {
            self.a(cx, &input).await?;
            let input = 7;
            assert_eq!(format!("{input}"), "7");
        }
        self.b(cx, &input).await?;
        Ok(input)
    }
    "s".into()
}

flow! { assignment[a b c]
    (self, cx, input: u32) -> (u32, String) {
        let mut total = input;
        let mut text = String::new();
        total += self.a(cx, "one").await?;
        text.push_str("x");
        total = self.b(cx, &text).await? + total;
        text = format!("{total}");
        self.c(cx, &text).await?;
        text.push('!');
        Ok((total, text))
    }
    0, 9
}

flow! { deferred_initialization[a b c]
    (self, cx, input: u32) -> String {
        let text;
        let number: u64;
        if input > 5 {
            let n = self.a(cx, "a").await?;
            text = format!("big {n}");
            number = 1;
        } else {
            text = "small".to_owned();
            number = 2;
        }
        self.b(cx, &text).await?;
        let later;
        later = self.c(cx, "c").await?;
        Ok(format!("{text} {number} {later}"))
    }
    1, 9
}

flow! { let_else[a b c]
    (self, cx, input: Order) -> String {
        let Some(note) = input.note.clone() else {
            self.a(cx, "none").await?;
            return Ok("none".into());
        };
        let Ok(n) = self.b(cx, &note).await else {
            return Ok("refused".into());
        };
        let [line, ..] = input.lines.as_slice() else { return Err(No("empty".into()).into()) };
        self.c(cx, &line.sku).await?;
        Ok(format!("{note} {n}"))
    }
    order(1, &["a"]), order(2, &["a"]), order(3, &[]),
    Order { id: 5, note: Some("no".into()), lines: vec![] }
}

flow! { early_return[a b]
    (self, cx, input: u32) -> u32 {
        if input == 0 {
            return Ok(0);
        }
        if self.a(cx, "a").await? > input {
            return Err(No("too small".into()).into());
        }
        if input == 2 {
            self.b(cx, "two").await?;
            return Ok(2);
        }
        let rest = match input {
            3 => return Ok(33),
            n => n,
        };
        Ok(rest)
    }
    0, 1, 2, 3, 4
}

flow! { question_mark_on_plain_results[a b]
    (self, cx, input: String) -> u32 {
        let n: u32 = input.parse().map_err(|_| No(format!("{input} is no number")))?;
        let m = self.a(cx, &input).await?;
        let k = u32::try_from(i64::from(n) - 5).ok().ok_or(No("below five".into()))?;
        self.b(cx, &k.to_string()).await?;
        Ok(n + m + k)
    }
    "x".into(), "3".into(), "17".into()
}

flow! { block_values[a b c]
    (self, cx, input: u32) -> u32 {
        let x = {
            let y = self.a(cx, "y").await?;
            y + input
        };
        let z = if x > 3 { self.b(cx, "z").await? } else { 100 };
        let w = match z {
            1 => self.c(cx, "wwww").await?,
            100 => 5,
            _ => return Ok(1000),
        };
        Ok(x * 10 + z + w)
    }
    0, 1, 2, 3, 4
}

flow! { made_again[a b c]
    (self, cx, input: u32) -> String {
        let word = "word";
        let limit: u32 = 5;
        let places = &self.1;
        let n = self.a(cx, word).await?;
        let mut seen = Vec::new();
        for place in places {
            self.b(cx, place).await?;
            seen.push(place.clone());
        }
        if n < limit {
            self.c(cx, word).await?;
        }
        Ok(format!("{word} {limit} {n} {input} {seen:?}"))
    }
    1
}

flow! { one_input_used_late[a b]
    (self, cx, input: Order) -> Order {
        self.a(cx, "a").await?;
        self.b(cx, "b").await?;
        Ok(input)
    }
    order(3, &["x", "y"])
}
