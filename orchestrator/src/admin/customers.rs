//! Looking at customers and their enrollments.

use domain::ids::{CustomerId, EnrollmentId, SegmentName};

use super::{Admin, Refusal, refuse};
use crate::access::principal::Principal;
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
