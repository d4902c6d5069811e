//! What the gate is asked: one send, and what it needs to know of the customer.

use domain::channel::AddressForm;
use domain::consent::Consent;
use domain::ids::{ChannelName, NameId, SendId, Topic};
use domain::journey::steps::send::OnCapped;
use domain::time::{Instant, Zone};
use domain::value::Map;

/// One send on one channel that wants to go.
///
/// Names are given as their numbers in the catalog's dictionary, because ledger rows hold these,
/// and as text where the consent record is asked.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The send. Rows of this very send never count against it.
    pub send: SendId,
    /// The channel, as consent knows it.
    pub channel: &'a ChannelName,
    /// The topic, as consent knows it.
    pub topic: Option<&'a Topic>,
    /// The channel.
    pub channel_id: NameId,
    /// The message class.
    pub class_id: NameId,
    /// The topic, or [`NameId::NONE`].
    pub topic_id: NameId,
    /// The campaign, or [`NameId::NONE`].
    pub campaign_id: NameId,
    /// The set of its labels, or [`NameId::NONE`] without one.
    pub labels_id: NameId,
    /// It may go at an instant `t` if and only if `t < valid_until`.
    pub valid_until: Instant,
    /// What a full cap or too short a gap does to it, where the step overrides the rule.
    pub on_capped: Option<OnCapped>,
    /// The wait before it was completed late and the journey's catch-up says skip.
    pub skip_catch_up: bool,
    /// Asked only for the record (holdout): it counts sends and earlier shadows.
    pub shadow: bool,
    /// The customer.
    pub subject: Subject<'a>,
}

/// What the rules read of a customer.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The time zone, where it is known.
    pub zone: Option<&'a Zone>,
    /// Her traits: limits of caps, and the country for holidays, are read from them.
    pub traits: &'a Map,
    /// Recorded permissions.
    pub consent: &'a Consent,
    /// The address on the channel of the request.
    pub address: Option<&'a str>,
    /// What an address on that channel must look like.
    pub address_form: AddressForm,
    /// Why that address is stopped, if it is.
    pub suppressed: Option<&'a str>,
}
