//! `loop`, `while`, `while let`, `for`, labels, values of loops.

use super::*;

flow! { for_over_a_borrowed_place[a b]
    (self, cx, input: Order) -> Vec<(String, u32)> {
        let mut holds = Vec::new();
        for line in &input.lines {
            if line.sku == "skip" {
                continue;
            }
            let hold = self.a(cx, &line.sku).await?;
            if line.sku == "stop" {
                break;
            }
            holds.push((line.sku.clone(), hold * line.quantity));
        }
        self.b(cx, &holds.len().to_string()).await?;
        holds.push(("end".into(), input.id));
        Ok(holds)
    }
    order(1, &[]), order(2, &["x", "skip", "yy"]), order(3, &["x", "stop", "y"]), order(4, &["x", "no"])
}

flow! { for_with_the_name_of_what_it_iterates[a]
    (self, cx, input: Vec<String>) -> usize {
        for input in &input {
            self.a(cx, input).await?;
            assert!(!input.is_empty());
        }
        Ok(input.len())
    }
    vec![], vec!["x".into(), "y".into()]
}

flow! { for_over_ranges[a b c]
    (self, cx, input: u32) -> Vec<u32> {
        let mut out = vec![];
        for i in 0..input {
            out.push(self.a(cx, &i.to_string()).await? + i);
        }
        for i in 1..=input {
            self.b(cx, &"x".repeat(i as usize)).await?;
            out.push(i);
        }
        for i in (0..input).rev() {
            self.c(cx, &i.to_string()).await?;
            out.push(i);
        }
        Ok(out)
    }
    0, 1, 3
}

flow! { for_over_owned_items[a b c]
    (self, cx, input: Order) -> Vec<String> {
        let mut out = vec![];
        for mut line in input.lines.clone() {
            let n = self.a(cx, &line.sku).await?;
            line.sku.push_str(&n.to_string());
            out.push(line.sku);
        }
        for (at, line) in input.lines.iter().enumerate() {
            self.b(cx, &line.sku).await?;
            out.push(format!("{at}{}", line.sku));
        }
        for n in input.lines.iter().map(|line| line.quantity) {
            self.c(cx, &n.to_string()).await?;
            out.push(n.to_string());
        }
        Ok(out)
    }
    order(1, &["x", "y", "z"]), order(2, &[])
}

flow! { for_over_mutable_places[a]
    (self, cx, mut input: Order) -> Order {
        for line in &mut input.lines {
            let n = self.a(cx, &line.sku).await?;
            line.quantity += n;
        }
        Ok(input)
    }
    order(1, &["x", "yy"])
}

flow! { nested_for[a b]
    (self, cx, input: Vec<Vec<String>>) -> String {
        let mut out = String::new();
        'rows: for (at, row) in input.iter().enumerate() {
            for cell in row {
                let n = self.a(cx, cell).await?;
                out.push_str(&format!("{at}{cell}{n} "));
                if cell == "next" {
                    continue 'rows;
                }
                if cell == "stop" {
                    break 'rows;
                }
            }
            self.b(cx, &row.len().to_string()).await?;
        }
        Ok(out)
    }
    vec![],
    vec![vec!["x".into(), "y".into()], vec![], vec!["next".into(), "z".into()], vec!["w".into()]],
    vec![vec!["x".into()], vec!["stop".into(), "y".into()], vec!["z".into()]]
}

flow! { loop_with_a_value[a b]
    (self, cx, input: u32) -> u32 {
        let mut tries = 0;
        let found = loop {
            tries += 1;
            let n = self.a(cx, &"x".repeat(tries)).await?;
            if n >= input {
                break n * 10;
            }
            if tries > 3 {
                break self.b(cx, "b").await?;
            }
        };
        Ok(found + tries as u32)
    }
    0, 2, 3, 9
}

flow! { loop_as_the_tail[a]
    (self, cx, input: u32) -> u32 {
        let mut n = input;
        loop {
            n = n + self.a(cx, "x").await?;
            n += n;
            n -= 1;
            if n % 2 == 1 && n > 20 {
                return Ok(n);
            }
        }
    }
    0, 3
}

flow! { while_loops[a b]
    (self, cx, input: Vec<String>) -> usize {
        let mut queue = input;
        let mut n = 0;
        while let Some(next) = queue.pop() {
            if next == "skip" {
                continue;
            }
            if next == "more" {
                queue.push("extra".into());
            }
            self.a(cx, &next).await?;
            n += next.len();
        }
        while n > 3 {
            n -= self.b(cx, "xx").await? as usize;
        }
        Ok(n)
    }
    vec![], vec!["a".into(), "more".into(), "skip".into(), "b".into()]
}

flow! { while_calls_a_step[a b c]
    (self, cx, input: u32) -> u32 {
        let mut left = input;
        while self.a(cx, &"x".repeat(left as usize)).await? > 1 && left < 50 {
            left -= 1;
        }
        while let Ok(n) = self.b(cx, if left > 3 { "no" } else { "yes" }).await {
            left += n;
            self.c(cx, "c").await?;
        }
        Ok(left)
    }
    0, 3
}

flow! { labelled_blocks[a b c]
    (self, cx, input: u32) -> String {
        let word = 'choose: {
            if input == 0 {
                break 'choose "zero".to_owned();
            }
            let n = self.a(cx, "a").await?;
            if n == input {
                break 'choose format!("same {n}");
            }
            'inner: {
                if input > 5 {
                    break 'inner;
                }
                self.b(cx, "small").await?;
            }
            format!("other {n}")
        };
        self.c(cx, &word).await?;
        Ok(word)
    }
    0, 1, 2, 6
}

flow! { continue_from_deep_inside[a]
    (self, cx, input: Vec<u32>) -> u32 {
        let mut sum = 0;
        let mut turn = 0;
        'outer: loop {
            turn += 1;
            if turn > 5 {
                break;
            }
            for x in &input {
                if *x == turn {
                    continue 'outer;
                }
            }
            let y = match input.first() {
                Some(x) if x + turn == 4 => break 'outer,
                Some(x) => *x,
                None => continue,
            };
            sum += y + self.a(cx, &turn.to_string()).await?;
        }
        Ok(sum * 100 + turn)
    }
    vec![], vec![1, 2], vec![2, 3], vec![9]
}

flow! { for_without_a_step_beside_one_with[a]
    (self, cx, input: Order) -> u32 {
        let mut total = 0;
        for line in &input.lines {
            total += line.quantity;
        }
        for i in 0..2 {
            for line in &input.lines {
                if line.quantity == 9 {
                    break;
                }
                total += i;
            }
            total += self.a(cx, "x").await?;
        }
        Ok(total)
    }
    order(1, &["x", "y"])
}

flow! { maps_in_order[a]
    (self, cx, input: std::collections::BTreeMap<String, u32>) -> u32 {
        let mut total = 0;
        for (key, value) in &input {
            total += self.a(cx, key).await? * value;
        }
        Ok(total)
    }
    [("k".to_owned(), 2), ("long".to_owned(), 3)].into()
}

flow! { retry_with_another[a]
    (self, cx, input: Vec<String>) -> String {
        for candidate in input {
            match self.a(cx, &candidate).await {
                Ok(_) => return Ok(candidate),
                Err(Failure::Refused(No(why))) if why.len() > 100 => return Err(No(why).into()),
                Err(_) => {}
            }
        }
        Err(No("none".into()).into())
    }
    vec![], vec!["no1".into(), "yes".into(), "never".into()], vec!["no".into()]
}

flow! { loops_in_loops_with_values[a b c]
    (self, cx, input: Vec<u32>) -> Vec<u32> {
        let mut out = Vec::new();
        let total = 'all: loop {
            for (at, n) in input.iter().enumerate().rev() {
                let found = loop {
                    let m = self.a(cx, &"x".repeat(*n as usize)).await?;
                    if m > 2 {
                        break 'all m + at as u32;
                    }
                    if self.b(cx, "b").await? == 1 {
                        break Some(m);
                    }
                };
                let Some(found) = found else { continue };
                out.push(found);
            }
            let n = match out.as_slice() {
                [] => break 0,
                [one] => *one,
                [_, rest @ ..] => {
                    let rest = rest.len() as u32;
                    self.c(cx, "c").await?;
                    break rest;
                }
            };
            break n * 100;
        };
        out.push(total);
        Ok(out)
    }
    vec![], vec![1], vec![1, 2], vec![3, 1], vec![2, 2, 2]
}

flow! { a_queue_of_pairs[a b]
    (self, cx, input: Vec<(String, u32)>) -> Vec<String> {
        let mut queue: std::collections::VecDeque<_> = input.into();
        let mut done = vec![];
        while let Some((name, left)) = queue.pop_front()
            && done.len() < 10
        {
            if left == 0 {
                self.a(cx, &name).await?;
                done.push(name);
                continue;
            }
            let Ok(_) = self.b(cx, &format!("{name}{left}")).await else {
                done.push(format!("refused {name}"));
                continue;
            };
            queue.push_back((name, left - 1));
        }
        Ok(done)
    }
    vec![], vec![("x".into(), 2), ("y".into(), 0), ("no".into(), 1)]
}

flow! { an_item_that_a_guard_looks_at_after_a_call_within_the_turn[a b]
    (self, cx, input: (Vec<(String, bool)>, u32)) -> Vec<String> {
        let plan = Plan { ops: input.0, times: input.1 };
        let mut done = vec![plan.times.to_string()];
        for op in &plan.ops {
            let answer = match op.0.len() {
                1 => self.a(cx, &op.0).await,
                _ => self.b(cx, &op.0).await,
            };
            match answer {
                Ok(made) => done.push(made.to_string()),
                Err(_) if op.1 => done.push(format!("no {}", op.0)),
                Err(other) => return Err(other.into()),
            }
        }
        Ok(done)
    }
    (vec![], 1), (vec![("x".into(), false), ("two".into(), true), ("no".into(), true)], 2), (vec![("no".into(), false)], 3)
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Plan {
    ops: Vec<(String, bool)>,
    times: u32,
}
