//! Figures of a computed campaign, for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::oracle::{Expected, Outcome};

/// Counts by journey and by what became of the messages, one per line.
pub fn table(messages: &[Expected]) -> String {
    let mut counts: BTreeMap<(&str, String), usize> = BTreeMap::new();
    let mut count = |journey, what: &str| {
        *counts.entry((journey, what.to_owned())).or_default() += 1;
    };
    for message in messages {
        count(message.journey, "0 reached");
        match &message.outcome {
            Outcome::Sent(at) if *at == message.created_at => {
                count(message.journey, "1 sent at once")
            }
            Outcome::Sent(_) => count(message.journey, "1 sent after a hold"),
            Outcome::Refused(_, rule) => count(message.journey, &format!("2 refused by {rule}")),
            Outcome::Withdrawn(_) => count(message.journey, "3 withdrawn while held"),
            Outcome::Held(_) => count(message.journey, "4 still held"),
        }
        if message.holds > 0 {
            count(message.journey, "5 held at least once");
        }
        if message.holds > 1 {
            count(message.journey, "6 held again");
        }
        if message.rivals > 1 {
            count(message.journey, "7 decided with others of the same instant");
        }
    }
    let mut table = String::new();
    for ((journey, what), count) in counts {
        writeln!(table, "{journey:<10} {:<44} {count:>7}", &what[2..]).expect("writes to memory");
    }
    table
}
