//! W3C Trace Context: the `traceparent` that a caller sends along.

/// A span of somebody else, as `traceparent` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// Id of the trace.
    pub trace: [u8; 16],
    /// Id of the span.
    pub span: [u8; 8],
    /// Flags; bit 0 says that it is sampled.
    pub flags: u8,
}

impl TraceParent {
    /// Reads a header. Anything that the specification calls invalid is none: whoever calls must
    /// not fail because of it. Versions to come may append fields.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let [version] = hex(parts.next()?)?;
        let trace = hex(parts.next()?)?;
        let span = hex(parts.next()?)?;
        let [flags] = hex(parts.next()?)?;
        let ends = version != 0 || parts.next().is_none();
        let valid = version != 0xff && trace != [0; 16] && span != [0; 8] && ends;
        valid.then_some(Self { trace, span, flags })
    }
}

/// Spans inside of which the items of one batch were sent.
#[derive(Clone, Debug, Default)]
pub enum Origins {
    /// Nobody said.
    #[default]
    Unknown,
    /// All of them inside of one.
    All(TraceParent),
    /// Each has its own word, by its place in the batch.
    Each(Vec<Option<TraceParent>>),
}

impl Origins {
    /// Those of a part of the batch.
    pub fn of_part(&self, part: std::ops::Range<usize>) -> Self {
        match self {
            Self::Unknown | Self::All(_) => self.clone(),
            Self::Each(_) => Self::Each(part.map(|item| self.of(item)).collect()),
        }
    }

    /// That of one item.
    pub fn of(&self, item: usize) -> Option<TraceParent> {
        match self {
            Self::Unknown => None,
            Self::All(parent) => Some(*parent),
            Self::Each(parents) => parents.get(item).copied().flatten(),
        }
    }
}

/// Spans of those who sent what a turn is given.
#[derive(Clone, Debug, Default)]
pub struct Senders {
    /// Each of them once.
    pub all: Vec<TraceParent>,
    /// Those of the events, in their order, up to the last one that is known.
    events: Vec<Option<TraceParent>>,
    count: usize,
}

impl Senders {
    /// Somebody sent something.
    pub fn add(&mut self, origin: Option<TraceParent>) {
        if let Some(origin) = origin.filter(|origin| !self.all.contains(origin)) {
            self.all.push(origin);
        }
    }

    /// Somebody sent the next event.
    pub fn add_event(&mut self, origin: Option<TraceParent>) {
        self.add(origin);
        if origin.is_some() {
            self.events.resize(self.count, None);
            self.events.push(origin);
        }
        self.count += 1;
    }

    /// That of an event, by its place among the events.
    pub fn of(&self, event: usize) -> Option<TraceParent> {
        self.events.get(event).copied().flatten()
    }
}

/// So many bytes of lower-case hexadecimal digits.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    if digits.len() != 2 * N || !digits.iter().all(plain) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_specification_is_read() {
        let parent = TraceParent::parse(GOOD).unwrap();
        assert_eq!(u128::from_be_bytes(parent.trace), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(u64::from_be_bytes(parent.span), 0x00f0_67aa_0ba9_02b7);
        assert_eq!(parent.flags, 1);
        let later = GOOD.replacen("00", "01", 1) + "-more";
        assert_eq!(TraceParent::parse(&later), Some(parent));
    }

    #[test]
    fn each_event_keeps_its_own_sender() {
        let [one, other] = [1, 2].map(|n| TraceParent { trace: [n; 16], span: [n; 8], flags: 1 });
        let mut senders = Senders::default();
        for origin in [None, Some(one), None, Some(other), Some(one), None] {
            senders.add_event(origin);
        }
        assert_eq!(senders.all, [one, other]);
        let of: Vec<_> = (0..7).map(|at| senders.of(at)).collect();
        assert_eq!(of, [None, Some(one), None, Some(other), Some(one), None, None]);
    }

    #[test]
    fn what_is_not_valid_is_none() {
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e47é-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceParent::parse(bad), None, "{bad}");
        }
    }
}
