//! The order of receipt around a merge changes nothing of what is counted, permitted or remembered.

use std::collections::BTreeMap;

use domain::consent::{ConsentChange, Permission};
use domain::customer::Counter;
use domain::event::EventBody;
use domain::ids::{ChannelName, EventName, Topic};
use proptest::{collection::vec, prelude::*};

use super::super::given::Given;
use super::world::World;

/// One event: whose, when it happened (seconds before the end), and what.
#[derive(Clone, Debug)]
struct Said {
    anonymous: bool,
    what: What,
    /// It is sent once more at the end.
    repeated: bool,
}

#[derive(Clone, Debug)]
enum What {
    Track(u8),
    Consent { channel: Option<u8>, topic: Option<u8>, denied: bool },
}

const CHANNELS: [&str; 2] = ["email", "sms"];
const TOPICS: [&str; 2] = ["news", "carts"];
const SECONDS: i64 = 100;

fn said() -> impl Strategy<Value = Said> {
    let consent = (proptest::option::of(0..2u8), proptest::option::of(0..2u8), any::<bool>());
    let what = prop_oneof![
        (0..4u8).prop_map(What::Track),
        consent.prop_map(|(channel, topic, denied)| What::Consent { channel, topic, denied }),
    ];
    (any::<bool>(), what, any::<bool>()).prop_map(|(anonymous, what, repeated)| Said {
        anonymous,
        what,
        repeated,
    })
}

impl Said {
    fn body(&self) -> EventBody {
        match &self.what {
            What::Track(name) => EventBody::Track {
                name: EventName::from(format!("E{name}")),
                properties: Default::default(),
            },
            What::Consent { channel, topic, denied } => EventBody::Consent(ConsentChange {
                channel: channel.map(|at| ChannelName::from(CHANNELS[usize::from(at)])),
                topic: topic.map(|at| Topic::from(TOPICS[usize::from(at)])),
                permission: if *denied { Permission::Denied } else { Permission::Granted },
                source: "test".to_owned(),
            }),
        }
    }
}

type Permissions = Vec<Option<Permission>>;

/// What is left: counters, and the permission of every channel and topic.
fn live(
    said: &[Said],
    order: &[usize],
    alias: Option<(usize, i64)>,
) -> (BTreeMap<EventName, Counter>, Permissions) {
    let mut world = World::new(Given::new());
    let begun = world.now;
    let at = |second: i64| begun.plus_ms((second - SECONDS) * 1_000);
    let merge = |world: &mut World, second| {
        let received = world.now;
        world.now = at(second);
        world.alias("v1", "ana", 1_000);
        world.now = received;
    };
    for (place, event) in order.iter().enumerate() {
        if let Some((_, second)) = alias.filter(|(before, _)| *before == place) {
            merge(&mut world, second);
        }
        tell(&mut world, &said[*event], *event, at(2 * *event as i64), alias.is_some());
        // Some events meet a merge that is under way.
        world.step();
    }
    if let Some((_, second)) = alias.filter(|(before, _)| *before >= order.len()) {
        merge(&mut world, second);
    }
    world.settle();
    for (number, event) in said.iter().enumerate().filter(|(_, event)| event.repeated) {
        tell(&mut world, event, number, at(2 * number as i64), alias.is_some());
    }
    world.settle();
    let Some(ana) = world.customer("ana") else {
        return Default::default();
    };
    let mut permissions = Vec::new();
    for channel in CHANNELS {
        for topic in [None, Some(TOPICS[0]), Some(TOPICS[1])] {
            let topic = topic.map(Topic::from);
            permissions.push(ana.consent.permission(&channel.into(), topic.as_ref()));
        }
    }
    (ana.counters, permissions)
}

fn tell(
    world: &mut World,
    said: &Said,
    number: usize,
    occurred_at: domain::time::Instant,
    two: bool,
) {
    let id = if said.anonymous && two { "anon:v1" } else { "ana" };
    world.event_at(id, said.body(), &format!("m{number}"), occurred_at, number as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Two ids that become one anywhere on the way count and remember as one id does. Permission
    /// is the same or stricter: a word of one id does not undo what was said as the other one.
    /// (Words are of one kind here: a wide word that replaces narrower ones does so per id.)
    #[test]
    fn two_ids_that_are_merged_equal_one(mut said in vec(said(), 1..20), place in 0..20usize) {
        for one in &mut said {
            if let What::Consent { channel, topic, .. } = &mut one.what {
                (*channel, *topic) = (Some(channel.unwrap_or(0)), None);
            }
        }
        let order: Vec<usize> = (0..said.len()).collect();
        let place = place.min(said.len());
        let one = live(&said, &order, None);
        let merged = live(&said, &order, Some((place, 2 * place as i64 - 1)));
        prop_assert_eq!(&one.0, &merged.0);
        for (one, merged) in one.1.iter().zip(&merged.1) {
            let stricter = *merged == Some(Permission::Denied);
            prop_assert!(one == merged || stricter, "{one:?} {merged:?}");
        }
    }

    /// Whenever events and the alias arrive, the same is left.
    #[test]
    fn the_order_of_receipt_changes_nothing(
        said in vec(said(), 1..16),
        shuffled in Just((0..16usize).collect::<Vec<_>>()).prop_shuffle(),
        second in 0..32i64,
        places in (0..17usize, 0..17usize),
    ) {
        let order: Vec<usize> = (0..said.len()).collect();
        let shuffled: Vec<usize> = shuffled.into_iter().filter(|at| *at < said.len()).collect();
        let second = second / 2 * 2 + 1;
        let left = live(&said, &order, Some((places.0.min(said.len()), second)));
        let other = live(&said, &shuffled, Some((places.1.min(said.len()), second)));
        prop_assert_eq!(left, other);
    }
}
