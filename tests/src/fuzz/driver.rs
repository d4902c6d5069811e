//! The driver: seeds, mutations, and the report of a failure.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::environment;
use crate::simulation::Rng;

/// Longest input: the limits of the parsers have tests of their own.
const INPUT_BYTES_MAX: usize = 32 * 1024;
/// Most mutations of one input.
const MUTATIONS_MAX: u64 = 6;

/// What breaks parsers: brackets, quotes and signs of our languages, numbers at the edge, text
/// that is more than one byte wide.
const TOKENS: [&str; 48] = [
    "{{",
    "}}",
    "{%",
    "%}",
    "'",
    "\"",
    "\\",
    "\0",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ": ",
    "- ",
    ", ",
    "\n",
    "\r\n",
    "\t",
    "#",
    "&a ",
    "*a",
    "!x ",
    "|",
    ">",
    "<<: ",
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "9223372036854775808",
    "-9223372036854775809",
    "0.1",
    "P1D",
    "PT0S",
    "P9999999999Y",
    "* * * * *",
    "é",
    "\u{2028}",
    "\u{1f600}",
    "\u{feff}",
    "250-",
    "354 ",
    "..",
    "&&",
    "?:",
];

/// One parser.
pub(super) struct Target {
    /// Its name: that of its test.
    pub(super) name: &'static str,
    /// Inputs of one test run: about a second.
    pub(super) inputs: u64,
    /// Valid inputs.
    pub(super) corpus: Vec<Vec<u8>>,
    /// Parses, and checks what must hold of the answer.
    pub(super) run: fn(&[u8]),
}

/// Runs a target.
///
/// # Panics
/// With the input, where the target does.
pub(super) fn fuzz(target: &Target) {
    assert!(!target.corpus.is_empty(), "{} has no valid inputs", target.name);
    if let Some(seed) = environment::fuzz_seed() {
        return attempt(target, seed);
    }
    let clock = runtime::Clock::system();
    let more = environment::fuzz_seconds().map(|seconds| clock.now_ms() + seconds as i64 * 1_000);
    let mut seed = 0;
    while seed < target.inputs || more.is_some_and(|end| clock.now_ms() < end) {
        attempt(target, seed);
        seed += 1;
    }
}

fn attempt(target: &Target, seed: u64) {
    let input = input(&target.corpus, seed);
    if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
        let (name, bytes) = (target.name, input.escape_ascii());
        panic!(
            "fuzz target {name}, seed {seed}: b\"{bytes}\"\nagain: CADENCIA_FUZZ_SEED={seed} \
             cargo test -p cadencia-tests --lib {name}"
        );
    }
}

/// The input of a seed: the first seeds are the corpus as it is.
fn input(corpus: &[Vec<u8>], seed: u64) -> Vec<u8> {
    if let Some(valid) = usize::try_from(seed).ok().and_then(|at| corpus.get(at)) {
        return valid.clone();
    }
    let mut rng = Rng::new(seed);
    let mut input = corpus[rng.index(corpus.len())].clone();
    for _ in 0..=rng.below(MUTATIONS_MAX) {
        mutate(&mut input, corpus, &mut rng);
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], rng: &mut Rng) {
    let at = rng.index(input.len() + 1);
    let end = at + rng.index((input.len() - at).min(64) + 1);
    match rng.below(8) {
        0 => input.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << rng.below(8)),
        1 => input.get_mut(at).into_iter().for_each(|byte| *byte = rng.next() as u8),
        2 | 3 => {
            let token = TOKENS[rng.index(TOKENS.len())];
            input.splice(at..at, token.bytes());
        }
        4 => drop(input.drain(at..end)),
        5 => {
            let again = input[at..end].repeat(1 + rng.index(8));
            input.splice(at..at, again);
        }
        6 => {
            let other = &corpus[rng.index(corpus.len())];
            input.truncate(at);
            input.extend_from_slice(&other[rng.index(other.len() + 1)..]);
        }
        _ => {
            let token = TOKENS[rng.index(TOKENS.len())];
            input.splice(at..end, token.bytes());
        }
    }
}

/// The driver finds a planted defect, and says how to see it again.
#[test]
fn a_planted_panic_is_found_and_shown() {
    let target = Target {
        name: "planted",
        inputs: 10_000,
        corpus: vec![b"abc{{".to_vec()],
        run: |input| assert!(!input.windows(4).any(|four| four == b"{{{{"), "planted"),
    };
    let found = catch_unwind(|| fuzz(&target)).expect_err("it is found");
    let text = found.downcast_ref::<String>().expect("a message");
    assert!(text.contains("{{{{") && text.contains("CADENCIA_FUZZ_SEED="), "{text}");
}
