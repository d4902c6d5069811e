//! Tests of `timers`.

use proptest::prelude::*;

use super::*;

fn key(n: u8) -> Key {
    [n; 16]
}

fn due(due_ms: i64, n: u8) -> Due {
    Due { due_ms, key: key(n) }
}

fn timers(entries: &[(i64, u8)]) -> Timers {
    let mut timers = Timers::new();
    for (due_ms, n) in entries {
        timers.insert(key(*n), *due_ms);
    }
    timers
}

fn write(timers: &mut Timers) -> Vec<Vec<u8>> {
    timers.begin_snapshot();
    std::iter::from_fn(|| timers.next_chunk()).collect()
}

fn read(chunks: &[Vec<u8>]) -> Result<Timers, SnapshotError> {
    let mut loader = Loader::new();
    chunks.iter().try_for_each(|chunk| loader.chunk(chunk))?;
    loader.finish()
}

/// What a set would do: the entries that wait, and what was taken.
#[derive(Default)]
struct Model {
    waiting: std::collections::BTreeSet<Due>,
    in_hand: std::collections::BTreeSet<Due>,
    now_ms: i64,
}

#[derive(Clone, Debug)]
enum Step {
    Insert { n: u8, after_ms: i64 },
    Advance { by_ms: i64 },
    Take { max: usize },
    Settle { nth: usize },
    GiveBack { nth: usize },
    Snapshot,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let near = -2 * HOUR_MS..2 * HOUR_MS;
    let step = prop_oneof![
        6 => (any::<u8>(), near).prop_map(|(n, after_ms)| Step::Insert { n, after_ms }),
        2 => (0..3_u8, 0..300_i64).prop_map(|(n, after_ms)| Step::Insert { n, after_ms }),
        1 => (any::<u8>(), 0..90 * 24 * HOUR_MS)
            .prop_map(|(n, after_ms)| Step::Insert { n, after_ms }),
        2 => (0..5 * MINUTE_MS).prop_map(|by_ms| Step::Advance { by_ms }),
        1 => (0..5 * HOUR_MS).prop_map(|by_ms| Step::Advance { by_ms }),
        4 => (0..8_usize).prop_map(|max| Step::Take { max }),
        2 => (0..8_usize).prop_map(|nth| Step::Settle { nth }),
        1 => (0..8_usize).prop_map(|nth| Step::GiveBack { nth }),
        1 => Just(Step::Snapshot),
    ];
    prop::collection::vec(step, 0..200)
}

fn run(start_ms: i64, steps: &[Step]) {
    let mut timers = Timers::new();
    let mut model = Model { now_ms: start_ms, ..Model::default() };
    for step in steps {
        apply(&mut timers, &mut model, step);
        let next = model.waiting.first().map(|due| due.due_ms);
        assert_eq!(timers.next_due_ms(), next, "after {step:?}");
        assert_eq!(timers.in_hand(), model.in_hand.len());
        assert!(timers.len() >= model.waiting.len());
    }
    let all: Vec<_> = timers.due(i64::MAX).collect();
    assert_eq!(all, model.waiting.into_iter().collect::<Vec<_>>());
    assert!(timers.is_empty(), "{} are counted and not there", timers.len());
}

fn apply(timers: &mut Timers, model: &mut Model, step: &Step) {
    match step {
        Step::Insert { n, after_ms } => {
            let due = due(model.now_ms + after_ms, *n);
            timers.insert(due.key, due.due_ms);
            model.waiting.insert(due);
        }
        Step::Advance { by_ms } => model.now_ms += by_ms,
        Step::Take { max } => {
            let now_ms = model.now_ms;
            let taken: Vec<_> = timers.due(now_ms).take(*max).collect();
            let first = model.waiting.iter().take_while(|due| due.due_ms <= now_ms);
            let expected: Vec<_> = first.take(*max).copied().collect();
            assert_eq!(taken, expected);
            model.waiting.retain(|due| !expected.contains(due));
            model.in_hand.extend(expected);
        }
        Step::Settle { nth } => {
            if let Some(due) = model.in_hand.iter().nth(*nth).copied() {
                timers.settle(&due);
                model.in_hand.remove(&due);
            }
        }
        Step::GiveBack { nth } => {
            if let Some(due) = model.in_hand.iter().nth(*nth).copied() {
                timers.give_back(due);
                model.in_hand.remove(&due);
                model.waiting.insert(due);
            }
        }
        Step::Snapshot => {
            let chunks = write(timers);
            *timers = read(&chunks).expect("a whole snapshot");
            // What was in hand was not settled, so it waits again after a restart.
            model.waiting.append(&mut model.in_hand);
        }
    }
}

proptest! {
    #[test]
    fn they_do_what_a_sorted_set_does(start in -HOUR_MS..1_800_000_000_000_i64, steps in steps()) {
        run(start, &steps);
    }

    /// A snapshot that is written while timers are inserted, taken and settled, read back and
    /// replayed, holds every entry that is still wanted.
    #[test]
    fn a_snapshot_written_on_the_move_loses_nothing(
        before in prop::collection::vec((0..6 * HOUR_MS, any::<u8>()), 0..60),
        during in prop::collection::vec((0..6 * HOUR_MS, any::<u8>(), 0..4_usize), 0..30),
    ) {
        let mut timers = timers(&before);
        let mut wanted: std::collections::BTreeSet<_> =
            before.iter().map(|(due_ms, n)| due(*due_ms, *n)).collect();
        timers.begin_snapshot();
        let mut chunks = Vec::new();
        let mut replay = Vec::new();
        let mut now_ms = 0;
        for (due_ms, n, take) in during {
            timers.insert(key(n), due_ms);
            replay.push(due(due_ms, n));
            wanted.insert(due(due_ms, n));
            now_ms += 20 * MINUTE_MS;
            let taken: Vec<_> = timers.due(now_ms).take(take).collect();
            // Every other one is settled, so it is not wanted any more; the rest is in hand.
            for due in taken.iter().step_by(2) {
                timers.settle(due);
                wanted.remove(due);
            }
            chunks.extend(timers.next_chunk());
        }
        chunks.extend(std::iter::from_fn(|| timers.next_chunk()));
        let mut restored = read(&chunks).expect("a whole snapshot");
        for due in replay {
            restored.insert(due.key, due.due_ms);
        }
        let found: std::collections::BTreeSet<_> = restored.due(i64::MAX).collect();
        prop_assert!(found.is_superset(&wanted), "lost {:?}", wanted.difference(&found));
    }

    #[test]
    fn a_changed_byte_is_noticed(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut chunks = write(&mut timers(&[(5, 1), (HOUR_MS, 2)]));
        let (chunk, byte) = (at.index(chunks.len()), at.index(chunks[at.index(2)].len()));
        let at = byte.min(chunks[chunk].len() - 1);
        chunks[chunk][at] ^= 1 << bit;
        prop_assert!(read(&chunks).is_err());
    }
}

#[test]
fn owners_come_by_instant_then_by_key_and_the_same_entry_once() {
    let minute = MINUTE_MS;
    let mut timers = timers(&[(minute, 2), (5, 9), (minute, 1), (5, 9), (61 * minute, 3)]);
    assert_eq!(timers.next_due_ms(), Some(5));
    let first: Vec<_> = timers.due(minute).collect();
    assert_eq!(first, [due(5, 9), due(minute, 1), due(minute, 2)]);
    // The minute is sorted already; what comes for it now takes its place all the same.
    timers.insert(key(8), 4);
    timers.insert(key(7), minute + 1);
    timers.insert(key(7), minute + 1);
    assert_eq!(timers.due(minute).collect::<Vec<_>>(), [due(4, 8)]);
    assert_eq!(timers.next_due_ms(), Some(minute + 1));
    let rest: Vec<_> = timers.due(61 * minute).collect();
    assert_eq!(rest, [due(minute + 1, 7), due(61 * minute, 3)]);
    assert_eq!((timers.len(), timers.next_due_ms()), (0, None));
}

#[test]
fn what_was_given_back_is_due_again_and_what_was_settled_is_not() {
    let mut timers = timers(&[(10, 1), (20, 2)]);
    let taken: Vec<_> = timers.due(100).collect();
    assert_eq!((taken.len(), timers.in_hand(), timers.len()), (2, 2, 0));
    timers.give_back(taken[1]);
    timers.settle(&taken[0]);
    timers.give_back(taken[0]);
    assert_eq!(timers.due(100).collect::<Vec<_>>(), [due(20, 2)]);
}

#[test]
fn a_sweep_goes_on_where_it_stopped_and_leaves_a_snapshot_alone() {
    let entries: Vec<_> = (0..40).map(|n| (i64::from(n) * HOUR_MS, n)).collect();
    let mut timers = timers(&entries);
    let mut keep = |due: &Due| due.key[0].is_multiple_of(2);
    assert_eq!(timers.sweep(10, &mut keep), 5);
    assert_eq!(timers.sweep(30, &mut keep), 15);
    assert_eq!(timers.sweep(100, &mut keep), 0);
    assert_eq!(timers.sweep(100, |due| due.key[0] != 0), 1);
    assert_eq!((timers.len(), timers.next_due_ms()), (19, Some(2 * HOUR_MS)));
    timers.begin_snapshot();
    assert_eq!(timers.sweep(100, |_| false), 0);
    assert_eq!(timers.len(), 19);
}

#[test]
fn instants_at_the_ends_of_time_do_no_harm() {
    let mut timers = timers(&[(i64::MAX, 1), (i64::MIN, 2), (-1, 3)]);
    let keys: Vec<_> = timers.due(0).map(|due| due.key[0]).collect();
    assert_eq!(keys, [2, 3]);
    let restored = read(&write(&mut timers)).expect("a whole snapshot");
    assert_eq!(restored.len(), 3, "one waits, two are in hand");
}

#[test]
fn a_snapshot_is_refused_unless_it_is_whole_and_of_a_known_version() {
    let entries: Vec<_> = (0..30_000).map(|n| (n * 977, 1)).collect();
    let mut timers = timers(&entries);
    let chunks = write(&mut timers);
    assert!(chunks.len() >= 3, "only {} chunks", chunks.len());
    assert!(chunks.iter().all(|chunk| chunk.len() <= 1 << 18));
    assert_eq!(read(&chunks).map(|timers| timers.len()), Ok(30_000));
    assert_eq!(write(&mut timers), chunks, "the same timers give the same bytes");

    let missing = |expected| Err(SnapshotError::Missing { expected });
    let outcome = |chunks: &[Vec<u8>]| read(chunks).map(|timers| timers.len());
    assert_eq!(outcome(&[]), missing(0));
    assert_eq!(outcome(&chunks[1..]), missing(0));
    assert_eq!(outcome(&chunks[..2]), missing(2));
    assert_eq!(outcome(&[chunks[0].clone(), chunks[0].clone()]), missing(1));

    let mut cut = chunks.clone();
    let half = cut[1].len() / 2;
    cut[1].truncate(half);
    assert_eq!(outcome(&cut), Err(SnapshotError::Damaged { number: 1 }));

    let mut newer = chunks[0].clone();
    newer[4] = 2;
    let end = newer.len() - 8;
    let sum = xxhash_rust::xxh3::xxh3_64(&newer[..end]);
    newer[end..].copy_from_slice(&sum.to_le_bytes());
    assert_eq!(outcome(&[newer]), Err(SnapshotError::Version { version: 2 }));
}

#[test]
fn an_entry_costs_at_most_24_bytes_also_when_64_partitions_share_them() {
    let seed = 0x5EED;
    println!("seed {seed:#x}");
    // A month of timers of one partition of 64, with 10 M in all.
    for count in [156_250_u64, 1_000_000] {
        let mut timers = Timers::new();
        let mut random = seed;
        for n in 0..count {
            random = xxhash_rust::xxh3::xxh3_64_with_seed(&n.to_le_bytes(), random);
            let mut key = [0; 16];
            key[..8].copy_from_slice(&random.to_le_bytes());
            let month_ms = 30 * 24 * HOUR_MS;
            timers.insert(key, (random % month_ms.cast_unsigned()).cast_signed());
        }
        let each = timers.allocated_bytes() as f64 / count as f64;
        assert!(each <= 24.0, "{each:.1} bytes per timer of {count}");
    }
}

#[test]
fn what_is_due_and_waits_is_counted_wherever_it_lies() {
    let seed = 0x0D0E;
    println!("seed {seed:#x}");
    let mut timers = Timers::new();
    let mut random = seed;
    let mut all = Vec::new();
    let day_ms = 24 * HOUR_MS;
    for now_ms in (0..day_ms).step_by(97 * 60_000) {
        for n in 0..200_u64 {
            random = xxhash_rust::xxh3::xxh3_64_with_seed(&n.to_le_bytes(), random);
            let mut key = [0; 16];
            key[..8].copy_from_slice(&random.to_le_bytes());
            let due_ms = (random % day_ms.cast_unsigned()).cast_signed();
            timers.insert(key, due_ms);
            all.push(due_ms);
        }
        let due = |all: &[i64]| all.iter().filter(|due_ms| **due_ms <= now_ms).count();
        assert_eq!(timers.overdue(now_ms), due(&all), "at {now_ms}");
        // Some are taken, in their order; the rest waits.
        let taken: Vec<Due> = timers.due(now_ms).take(150).collect();
        for one in &taken {
            all.swap_remove(all.iter().position(|due_ms| *due_ms == one.due_ms).expect("it is"));
        }
        assert_eq!(timers.overdue(now_ms), due(&all), "at {now_ms}, after {}", taken.len());
    }
    assert_eq!(timers.overdue(day_ms), all.len());
}
