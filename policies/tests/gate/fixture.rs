//! A small world to ask the gate in: a policy from YAML, one customer, a ledger.

use cadencia_policies::{
    ContactPolicy, CountState, History, LedgerRow, NameKind, Names, PolicySet, RawContactPolicy,
    Request, Subject, allows, decide,
};
use domain::channel::AddressForm;
use domain::consent::{Consent, ConsentChange, Permission};
use domain::ids::{ChannelName, NameId, SendId, Topic};
use domain::journey::steps::send::OnCapped;
use domain::labels::Labels;
use domain::time::{Instant, Zone};
use domain::value::Map;
use domain::verdict::{Decision, Verdict};

pub(crate) const CHANNELS: [&str; 3] = ["email", "sms", "push"];
pub(crate) const CLASSES: [&str; 4] = ["marketing", "transactional", "service", "advertising"];
pub(crate) const TOPICS: [&str; 2] = ["carts", "news"];
pub(crate) const CAMPAIGNS: [&str; 2] = ["spring", "autumn"];

/// Sets of labels that messages have.
pub(crate) const LABELS: [&str; 3] = ["size=big", "size=big\nteam=growth", "team=growth"];

/// The dictionary of the tests, with its sets of labels.
pub(crate) struct Dictionary;

impl Names for Dictionary {
    fn id(&self, kind: NameKind, name: &str) -> NameId {
        id(kind, name)
    }

    fn label_sets(&self) -> Vec<(NameId, Labels)> {
        let sets = LABELS.iter().enumerate();
        sets.map(|(at, text)| (NameId(at as u16 + 1), Labels::parse(text).expect("labels")))
            .collect()
    }
}

/// The dictionary of the tests.
pub(crate) fn id(kind: NameKind, name: &str) -> NameId {
    let known: &[&str] = match kind {
        NameKind::Channel => &CHANNELS,
        NameKind::Class => &CLASSES,
        NameKind::Topic => &TOPICS,
        NameKind::Campaign => &CAMPAIGNS,
    };
    let at = known.iter().position(|known| *known == name).expect("a name of the fixture");
    NameId(at as u16 + 1)
}

pub(crate) fn at(text: &str) -> Instant {
    Instant::parse(text).expect("an instant")
}

pub(crate) fn zone(name: &str) -> Zone {
    Zone::parse(name).expect("a zone")
}

/// A policy from the text of its `spec`.
pub(crate) fn policy(spec: &str) -> ContactPolicy {
    let raw: RawContactPolicy = serde_saphyr::from_str(spec).expect("the YAML parses");
    let document = raw.validate().expect("the policy is valid");
    ContactPolicy::merge(&[document]).expect("one document merges")
}

/// A policy set whose fallback zone is UTC, from the text of its rules (and other keys).
pub(crate) fn set(rest: &str) -> PolicySet {
    PolicySet::compile(&policy(&format!("fallback_zone: UTC\n{rest}")), 7, &Dictionary)
}

/// One message and its customer.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) channel: usize,
    pub(crate) class: usize,
    pub(crate) topic: Option<usize>,
    pub(crate) campaign: Option<usize>,
    pub(crate) labels: Option<usize>,
    pub(crate) traits: Map,
    pub(crate) send: u128,
    pub(crate) valid_until: Instant,
    pub(crate) on_capped: Option<OnCapped>,
    pub(crate) skip_catch_up: bool,
    pub(crate) shadow: bool,
    pub(crate) zone: Option<Zone>,
    pub(crate) consent: Consent,
    pub(crate) address: Option<String>,
    pub(crate) address_form: AddressForm,
    pub(crate) suppressed: Option<String>,
    pub(crate) rows: Vec<LedgerRow>,
}

impl Default for World {
    /// A marketing e-mail, valid for ever, to a reachable customer in UTC with consent.
    fn default() -> Self {
        Self {
            channel: 0,
            class: 0,
            topic: None,
            campaign: None,
            labels: None,
            traits: Map::new(),
            send: u128::MAX,
            valid_until: Instant::MAX,
            on_capped: None,
            skip_catch_up: false,
            shadow: false,
            zone: Some(Zone::utc()),
            consent: consent(None, None, Permission::Granted),
            address: Some("someone@example.com".to_owned()),
            address_form: AddressForm::Any,
            suppressed: None,
            rows: Vec::new(),
        }
    }
}

/// A consent record with one word in it.
pub(crate) fn consent(
    channel: Option<&str>,
    topic: Option<&str>,
    permission: Permission,
) -> Consent {
    let mut consent = Consent::default();
    let change = ConsentChange {
        channel: channel.map(ChannelName::from),
        topic: topic.map(Topic::from),
        permission,
        source: "test".to_owned(),
    };
    consent.record(change, Instant(0));
    consent
}

impl World {
    /// Calls `f` with the request that this world describes.
    fn with_request<T>(&self, f: impl FnOnce(&Request<'_>) -> T) -> T {
        let channel = ChannelName::from(CHANNELS[self.channel]);
        let topic = self.topic.map(|topic| Topic::from(TOPICS[topic]));
        let number = |index: Option<usize>| index.map_or(NameId::NONE, |at| NameId(at as u16 + 1));
        f(&Request {
            send: SendId(self.send),
            channel: &channel,
            topic: topic.as_ref(),
            channel_id: number(Some(self.channel)),
            class_id: number(Some(self.class)),
            topic_id: number(self.topic),
            campaign_id: number(self.campaign),
            labels_id: number(self.labels),
            valid_until: self.valid_until,
            on_capped: self.on_capped,
            skip_catch_up: self.skip_catch_up,
            shadow: self.shadow,
            subject: Subject {
                zone: self.zone.as_ref(),
                traits: &self.traits,
                consent: &self.consent,
                address: self.address.as_deref(),
                address_form: self.address_form,
                suppressed: self.suppressed.as_deref(),
            },
        })
    }

    /// The verdict; the short answer is checked against it.
    pub(crate) fn ask(&self, set: &PolicySet, now: Instant) -> Verdict {
        let history = History::new(&self.rows);
        let verdict = self.with_request(|request| decide(request, history, set, now));
        let short = self.with_request(|request| allows(request, history, set, now));
        assert_eq!(short, verdict.decision == Decision::Allow, "allows differs: {verdict:#?}");
        verdict
    }

    pub(crate) fn decision(&self, set: &PolicySet, now: &str) -> Decision {
        self.ask(set, at(now)).decision
    }

    /// Reserves at `now`, whether allowed or not, and gives the row that state.
    pub(crate) fn reserve(&mut self, set: &PolicySet, now: Instant, state: CountState) {
        let mut row = self.with_request(|request| LedgerRow::reserve(request, set, now, 0));
        row.send = SendId(self.rows.len() as u128);
        row.state = state;
        let place = self.rows.partition_point(|known| known.counted_at <= now);
        self.rows.insert(place, row);
    }

    /// This world after accepted sends at these instants.
    pub(crate) fn after(mut self, set: &PolicySet, sent: &[&str]) -> Self {
        for text in sent {
            self.reserve(set, at(text), CountState::Accepted);
        }
        self
    }
}

/// A hold until an instant.
pub(crate) fn hold(until: &str) -> Decision {
    Decision::HoldUntil(at(until))
}
