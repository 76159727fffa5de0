//! `if`, `if let`, chains, `match` with guards, refusals caught.

use super::*;

flow! { if_else_if[a b c d]
    (self, cx, input: u32) -> String {
        let mut log = format!("{input}");
        if input == 1 {
            let n = self.a(cx, "a").await?;
            log += &n.to_string();
        } else if input == 2 {
            self.b(cx, "b").await?;
        } else if input == 3 {
            log.push('3');
        } else {
            self.c(cx, &log).await?;
            log.clear();
        }
        self.d(cx, &log).await?;
        Ok(log)
    }
    1, 2, 3, 4
}

flow! { condition_calls_a_step[a b c]
    (self, cx, input: u32) -> u32 {
        let mut n = input;
        if self.a(cx, "aa").await? > input && n < 100 {
            n += 1;
        }
        if n > 1 && self.b(cx, "bb").await? == 2 {
            n += 10;
        } else {
            n += 20;
        }
        if n > 100 || self.c(cx, "c").await.is_err() {
            n += 1000;
        }
        Ok(n)
    }
    0, 1, 2, 200
}

flow! { chains[a b c]
    (self, cx, input: Order) -> String {
        let mut out = String::new();
        if let Some(note) = &input.note
            && note.len() > 3
            && let Ok(n) = self.a(cx, note).await
            && n < 7
        {
            out.push_str(&n.to_string());
            self.b(cx, &out).await?;
        } else {
            out.push_str("none");
        }
        if let [line] = &input.lines[..] && line.quantity == 1 {
            self.c(cx, &line.sku).await?;
        }
        Ok(out)
    }
    order(1, &["x"]), order(2, &[]), order(33, &["x", "y"]),
    Order { id: 1, note: Some("nope".into()), lines: vec![] }
}

flow! { match_with_guards[a b c]
    (self, cx, input: Order) -> String {
        let word = match &input.note {
            Some(note) if note.ends_with('3') => {
                let n = note.len();
                self.a(cx, note).await?;
                format!("three {n}")
            }
            Some(note) => {
                let n = self.b(cx, note).await?;
                format!("other {n}")
            }
            None if input.lines.is_empty() => return Ok("empty".into()),
            None => "nothing".to_owned(),
        };
        self.c(cx, &word).await?;
        Ok(format!("{word} {}", input.id))
    }
    order(1, &[]), order(2, &[]), order(2, &["x"]), order(3, &[])
}

flow! { refusals_caught[a b c]
    (self, cx, input: String) -> String {
        let first = self.a(cx, &input).await;
        let way = match first {
            Ok(n) => format!("first {n}"),
            Err(Failure::Refused(No(why))) => {
                let n = match self.b(cx, &input[1..]).await {
                    Ok(n) => n,
                    Err(_) => 0,
                };
                format!("second {n} because {why}")
            }
            Err(other) => return Err(other.into()),
        };
        if let Err(Failure::Refused(No(why))) = self.c(cx, &way).await {
            return Ok(why);
        }
        Ok(way)
    }
    "yes".into(), "no".into(), "nono".into(), "nnono".into()
}

flow! { answer_as_a_value[a b c d]
    (self, cx, input: String) -> Vec<bool> {
        let ok = self.a(cx, &input).await.is_ok();
        let some = self.b(cx, &input).await.ok();
        let answer = self.c(cx, &input).await.ok();
        let same = matches!(answer, Some(n) if n > 2);
        let mapped = self.d(cx, "fine").await.map_err(|_| No("never".into()))?;
        Ok(vec![ok, some.is_some(), same, mapped == 4])
    }
    "yes".into(), "no".into()
}

flow! { borrowed_bindings_feed_a_step[a b]
    (self, cx, input: Order) -> u32 {
        let mut total = 0;
        match &input.note {
            Some(text) => {
                total += self.a(cx, text).await?;
            }
            None => {}
        }
        match input.lines.first() {
            Some(Line { sku, quantity }) if *quantity > 0 => {
                total += self.b(cx, sku).await?;
            }
            _ => total += 50,
        }
        Ok(total + input.id)
    }
    order(1, &["a"]), order(2, &[])
}

flow! { branch_that_ends[a b]
    (self, cx, input: Order) -> String {
        let first = input.lines.first();
        if first.is_none() {
            self.a(cx, "none").await?;
            return Ok("none".into());
        }
        let sku = first.map(|line| line.sku.as_str()).unwrap_or("?");
        self.b(cx, sku).await?;
        Ok(input.id.to_string())
    }
    order(1, &[]), order(2, &["x"])
}

flow! { tail_branches[a b]
    (self, cx, input: u32) -> u32 {
        if input > 2 {
            let n = self.a(cx, "a").await?;
            if n > 100 { Err(No("?".into()).into()) } else { Ok(n) }
        } else {
            match input {
                0 => Ok(0),
                1 => Err(No("one".into()).into()),
                _ => Ok(self.b(cx, "bb").await?),
            }
        }
    }
    0, 1, 2, 3
}

flow! { nested_values[a b c]
    (self, cx, input: u32) -> u32 {
        let x = if input > 1 {
            match self.a(cx, "aaa").await {
                Ok(n) if n == input => {
                    let m = self.b(cx, "b").await?;
                    m + 1
                }
                Ok(n) => n,
                Err(_) => 0,
            }
        } else if input == 1 {
            let y = self.c(cx, "cc").await?;
            y * 2
        } else {
            return Ok(77);
        };
        Ok(x)
    }
    0, 1, 2, 3
}

flow! { step_in_an_argument[a b c]
    (self, cx, input: String) -> Vec<u32> {
        let mut all = Vec::new();
        all.push(self.a(cx, &input).await?);
        let n = self.b(cx, &format!("{}", 1)).await?;
        all.extend([self.c(cx, if n == 1 { "one" } else { "more" }).await?]);
        Ok(all)
    }
    "x".into(), "no".into()
}

flow! { the_same_name_everywhere[a b c]
    (self, cx, input: Option<String>) -> String {
        let x = input;
        let x = match x {
            Some(x) if x.len() > 3 => {
                let n = self.a(cx, &x).await?;
                let x = format!("{x}{n}");
                x
            }
            Some(x) => {
                if let Ok(x) = self.b(cx, &x).await { x.to_string() } else { x }
            }
            None => "none".to_owned(),
        };
        let x = { let x = &x; self.c(cx, x).await?.to_string() } + &x;
        Ok(x)
    }
    None, Some("ab".into()), Some("abcd".into()), Some("no".into())
}

flow! { answers_that_are_refusals_are_kept[a b]
    (self, cx, input: String) -> (bool, String) {
        let first = match self.a(cx, &input).await {
            Ok(n) => Ok(n),
            Err(Failure::Refused(no)) => Err(no),
            Err(other) => return Err(other.into()),
        };
        let second = self.b(cx, "b").await?;
        let text = match &first {
            Ok(n) => format!("{n} {second}"),
            Err(No(why)) => why.clone(),
        };
        Ok((first.is_ok(), text))
    }
    "yes".into(), "no".into()
}

flow! { work_in_a_branch_that_only_one_way_needs[a b]
    (self, cx, input: Order) -> String {
        let summary = if input.lines.len() > 1 {
            let skus: Vec<&str> = input.lines.iter().map(|line| line.sku.as_str()).collect();
            let all = skus.join("+");
            self.a(cx, &all).await?;
            all
        } else {
            String::from("few")
        };
        if let (Some(note), false) = (&input.note, summary.is_empty()) {
            self.b(cx, &format!("{note}: {summary}")).await?;
        };
        Ok(summary)
    }
    order(1, &[]), order(2, &["x", "y"]), order(3, &["x", "y"])
}

flow! { an_answer_on_the_left_of_a_plain_condition[a b c d]
    (self, cx, input: Order) -> (bool, bool, bool) {
        let either = self.a(cx, &input.lines[0].sku).await? > 1 || input.id == 2;
        let both = (self.b(cx, &input.lines[0].sku).await? > 1 && input.id == 2) || either && self.c(cx, "x").await? > 1;
        Ok((either, both, !(self.d(cx, "yy").await? > 1 && both)))
    }
    order(1, &["x"]), order(2, &["x"]), order(2, &["xx"]), order(3, &["xx"]), order(2, &["no"])
}
