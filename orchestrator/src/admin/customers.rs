//! Looking at customers and their enrollments, and lifting stops on addresses.

use domain::event::{Event, EventBody};
use domain::ids::{ChannelName, CustomerId, EnrollmentId, SegmentName};
use domain::time::Instant;
use runtime::Lane;

use super::{Admin, Refusal, busy, refuse};
use crate::access::audit::Change;
use crate::access::principal::Principal;
use crate::access::secret;
use crate::customers::{CustomerDetail, CustomerLine, EnrollmentLine, Found, Place, Wanted};
use crate::error::ErrorCode;

impl Admin {
    /// Customers in the order of their keys, from one on.
    ///
    /// # Errors
    /// Records that cannot be read.
    pub async fn customers(
        &self,
        segment: Option<SegmentName>,
        from: Option<Place>,
        limit: usize,
        by: &Principal,
    ) -> Result<Found<CustomerLine>, Refusal> {
        let eyes = self.eyes(self.mask(by).await).await;
        self.read(move || eyes.sight().customers(segment.as_ref(), from, limit)).await
    }

    /// One customer.
    ///
    /// # Errors
    /// If nobody is known under the id.
    pub async fn customer(
        &self,
        id: CustomerId,
        by: &Principal,
    ) -> Result<CustomerDetail, Refusal> {
        let eyes = self.eyes(self.mask(by).await).await;
        let unknown = format!("nobody is known as `{id}`");
        match self.read(move || eyes.sight().customer(&id)).await? {
            Some(detail) => Ok(detail),
            None => refuse(ErrorCode::CustomerUnknown, unknown),
        }
    }

    /// Lifts the stops on a customer's addresses of a channel (semantics 17): messages may go there
    /// again. How she stands then.
    ///
    /// # Errors
    /// If nobody is known under the id, nothing is stopped there, or it cannot be made durable.
    pub async fn unsuppress(
        &self,
        id: CustomerId,
        channel: &ChannelName,
        by: &Principal,
    ) -> Result<CustomerDetail, Refusal> {
        let before = self.customer(id.clone(), by).await?;
        let stops = before.suppressions.iter().filter(|stop| stop.channel == channel.as_str());
        let reasons: Vec<&str> = stops.map(|stop| stop.reason.as_str()).collect();
        if reasons.is_empty() {
            let detail = format!("no address of `{id}` on `{channel}` is stopped");
            return refuse(ErrorCode::StateConflict, detail);
        }
        let change = Change::of(
            "customer.unsuppress",
            format!("customer {:032x}", u128::from_be_bytes(id.key().0)),
            format!("{channel}: {}", reasons.join(", ")),
            format!("{channel}: no stop"),
        );
        self.access.announce(by, change).await?;
        let now = Instant(self.app.clock.now_ms());
        let event = Event {
            customer: id.clone(),
            message_id: format!("unsuppress/{}", secret::hex(&secret::random::<16>())),
            occurred_at: now,
            received_at: now,
            body: EventBody::StopsLifted(channel.clone()),
        };
        match self.app.directory.ingest(vec![event], Lane::Transactional) {
            Err(error) => return busy(error),
            Ok(answer) => {
                if answer.await.is_err() {
                    return refuse(ErrorCode::StoreUnavailable, "it is not durable");
                }
            }
        }
        self.customer(id, by).await
    }

    /// Enrollments of a journey, in the order of their customers' keys.
    ///
    /// # Errors
    /// Records that cannot be read; a journey that is not known.
    pub async fn enrollments(
        &self,
        wanted: Wanted,
        from: Option<Place>,
        limit: usize,
        by: &Principal,
    ) -> Result<Found<EnrollmentLine>, Refusal> {
        self.versions(&wanted.journey).await?;
        let eyes = self.eyes(self.mask(by).await).await;
        self.read(move || eyes.sight().enrollments(&wanted, from, limit)).await
    }

    /// An enrollment that has not ended.
    ///
    /// # Errors
    /// If there is none.
    pub async fn enrollment(
        &self,
        id: EnrollmentId,
        by: &Principal,
    ) -> Result<EnrollmentLine, Refusal> {
        let eyes = self.eyes(self.mask(by).await).await;
        match self.read(move || eyes.sight().by_enrollment(id)).await? {
            Some(line) => Ok(line),
            None => refuse(ErrorCode::EnrollmentUnknown, format!("no enrollment `{id}` goes on")),
        }
    }
}
