//! Memberships in retargeting audiences: a customer joins through the gate, is looked after in each
//! of her turns, and stands in a row of the audience that exports read.

use domain::channel::AddressForm;
use domain::channel::audience::Identifier;
use domain::customer::Customer;
use domain::hash;
use domain::ids::{ChannelName, SendId};
use domain::journey::steps::Send;
use domain::membership::{LeftBecause, MEMBERSHIPS_MAX, Membership};
use domain::time::Instant;
use domain::value::{Text, Value};
use domain::verdict::RuleKind;
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, ChannelInfo};
use crate::codec;
use crate::gate;
use crate::history::HistoryItem;
use crate::transaction::{Table, Write};
use crate::turn::{Begun, Loaded};

/// A member of an audience, as an export reads her.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// Since when she is a member, without a break.
    pub since: Instant,
    /// A member at `t` if `t < until`; [`Instant::MAX`] for good.
    pub until: Instant,
    /// What platforms know her by, as it stands in her profile; at least one.
    pub identifiers: Vec<(Identifier, Text)>,
}

/// What an audience exports of a customer: those of its identifiers that she has in a form that can
/// be one.
pub(crate) fn identifiers(customer: &Customer, info: &ChannelInfo) -> Vec<(Identifier, Text)> {
    let found =
        info.identifiers.iter().filter_map(|(kind, name)| match customer.traits.get(name)? {
            Value::Text(text) if kind.fits(text) => Some((*kind, text.clone())),
            _ => None,
        });
    found.collect()
}

fn fingerprint(identifiers: &[(Identifier, Text)]) -> u64 {
    let parts: Vec<&[u8]> = identifiers
        .iter()
        .flat_map(|(kind, text)| [kind.as_str().as_bytes(), text.as_bytes()])
        .collect();
    // Half of the hash is enough to see a change.
    hash::parts(&parts) as u64
}

/// The gate let her in. Of a member the join counts whose end is later, with its class and topic:
/// she stays for as long as she said yes to it.
pub(crate) fn join(
    loaded: &mut Loaded,
    begun: &mut Begun,
    catalog: &Catalog,
    audience: &ChannelName,
    step: &Send,
    send: SendId,
) {
    let customer = &mut loaded.customer;
    let zone = catalog.zone(customer.zone.as_ref());
    let stay = step.stay.as_ref();
    let until = stay.map_or(Instant::MAX, |stay| stay.after(begun.now, zone));
    let info = catalog.channel(audience);
    let identifiers = info.map(|info| fingerprint(&identifiers(customer, info)));
    let mut joined = Membership {
        audience: audience.clone(),
        class: step.class.clone(),
        topic: step.topic.clone(),
        since: begun.now,
        until,
        send,
        identifiers: identifiers.unwrap_or_default(),
    };
    let known = customer.memberships.iter_mut().find(|known| known.audience == *audience);
    match known {
        Some(known) => {
            joined.since = known.since;
            if known.until <= joined.until {
                *known = joined;
            }
        }
        None => customer.memberships.push(joined),
    }
    begun.audiences.push(audience.clone());
    begun.changed = true;
}

/// Ends what must end by now, and has rows written anew whose identifiers have changed.
pub(crate) fn look_after(loaded: &mut Loaded, catalog: &Catalog, begun: &mut Begun) {
    for mut membership in std::mem::take(&mut loaded.customer.memberships) {
        let audience = membership.audience.clone();
        match stays(loaded, catalog, &membership, begun.now) {
            Ok(identifiers) => {
                if identifiers != membership.identifiers {
                    membership.identifiers = identifiers;
                    begun.audiences.push(audience);
                    begun.changed = true;
                }
                loaded.customer.memberships.push(membership);
            }
            Err(reason) => {
                begun.record(HistoryItem::AudienceLeft { audience: audience.clone(), reason });
                begun.audiences.push(audience);
            }
        }
    }
}

/// Whether she goes on to be a member: the fingerprint of her identifiers, or why not.
fn stays(
    loaded: &Loaded,
    catalog: &Catalog,
    membership: &Membership,
    now: Instant,
) -> Result<u64, LeftBecause> {
    let info = declared(catalog, &membership.audience).ok_or(LeftBecause::Removed)?;
    if membership.until <= now {
        return Err(LeftBecause::Expired);
    }
    match gate::stands_in_the_way(loaded, catalog, membership, now) {
        None => Ok(fingerprint(&identifiers(&loaded.customer, info))),
        Some(RuleKind::Consent) => Err(LeftBecause::Consent),
        Some(_) => Err(LeftBecause::Unreachable),
    }
}

fn declared<'a>(catalog: &'a Catalog, audience: &ChannelName) -> Option<&'a ChannelInfo> {
    catalog.channel(audience).filter(|info| !info.identifiers.is_empty())
}

/// Whether a changed catalog means something for a membership: her audience is gone, exports
/// something else of her, or her class asks for more.
pub(crate) fn must_look(customer: &Customer, catalog: &Catalog) -> bool {
    if customer.memberships.is_empty() {
        return false;
    }
    let loaded = Loaded::from_record(customer.clone());
    customer.memberships.iter().any(|membership| {
        stays(&loaded, catalog, membership, Instant::MIN) != Ok(membership.identifiers)
    })
}

/// When the first membership ends by itself.
pub(crate) fn next_end(customer: &Customer) -> Instant {
    customer.memberships.iter().map(|known| known.until).min().unwrap_or(Instant::MAX)
}

/// Takes over the memberships of a customer that was merged into this one: the longer one counts.
pub(crate) fn unite(customer: &mut Customer, others: &[Membership], begun: &mut Begun) {
    for other in others {
        begun.audiences.push(other.audience.clone());
        let full = is_full(customer, &other.audience);
        let known = customer.memberships.iter_mut().find(|known| known.audience == other.audience);
        match known {
            Some(known) => {
                let since = known.since.min(other.since);
                if known.until < other.until {
                    *known = other.clone();
                }
                known.since = since;
            }
            None if full => {
                let (audience, reason) = (other.audience.clone(), LeftBecause::TooMany);
                begun.record(HistoryItem::AudienceLeft { audience, reason });
            }
            None => customer.memberships.push(other.clone()),
        }
    }
}

/// Whether a join would be one too many. To join again is not.
pub(crate) fn is_full(customer: &Customer, audience: &ChannelName) -> bool {
    let known = &customer.memberships;
    known.len() >= MEMBERSHIPS_MAX && known.iter().all(|known| known.audience != *audience)
}

/// The rows of audiences in which something has changed.
pub(crate) fn write(partition: u16, loaded: &Loaded, catalog: &Catalog, begun: &mut Begun) {
    let mut audiences = std::mem::take(&mut begun.audiences);
    audiences.sort_unstable();
    audiences.dedup();
    let customer = &loaded.customer;
    for audience in audiences {
        let member = customer.memberships.iter().find(|known| known.audience == audience);
        let row = member.zip(catalog.channel(&audience)).map(|(member, info)| MemberRow {
            since: member.since,
            until: member.until,
            identifiers: identifiers(customer, info),
        });
        let key = codec::member_key(partition, catalog.name(audience.as_str()), customer.key());
        let value = row.map(|row| codec::encode(&row));
        begun.writes.push(Write { table: Table::Meta, key, value });
    }
}

/// The address that the gate asks about: the first identifier.
pub(crate) fn address(customer: &Customer, info: &ChannelInfo) -> Option<Text> {
    debug_assert_eq!(info.address_form, AddressForm::Any, "identifiers have forms of their own");
    identifiers(customer, info).into_iter().next().map(|(_, text)| text)
}
