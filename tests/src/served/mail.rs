//! What arrived at the mail server.

use std::collections::BTreeMap;

use crate::channels::peers::Sink;

/// How often each message arrived, by the id of its send.
pub(super) fn arrived(sink: &Sink) -> BTreeMap<String, usize> {
    let mut arrived = BTreeMap::new();
    for message in sink.messages() {
        // A message that was cut off by a kill was never accepted by the sink.
        if let Some(id) = complete(&message) {
            *arrived.entry(id.to_owned()).or_default() += 1;
        }
    }
    arrived
}

fn complete(message: &str) -> Option<&str> {
    let id = message.lines().find_map(|line| line.strip_prefix("Message-ID: <"))?;
    let (local, _) = id.split_once('@')?;
    message.contains(END).then_some(local)
}

/// Last words of every template of these tests: what has them arrived as a whole.
pub(super) const END: &str = "End of message.";
