//! What providers report of messages that they took.

use channels::{Callback, CallbackError, Said};
use domain::ids::{ChannelName, CustomerId};
use domain::value::Text;
use engine::report;

use super::{Admin, Refusal, busy, refuse};
use crate::error::ErrorCode;
use crate::sends;

/// What a refused report counts as.
const REFUSED: &str = "refused";

impl Admin {
    /// Takes in what a request says that claims to come from a provider. The answer comes when it
    /// is durable.
    pub async fn report(
        &self,
        provider: &str,
        channel: &ChannelName,
        callback: &Callback<'_>,
    ) -> Result<(), Refusal> {
        let parts =
            self.state.lock().await.outgoing.parts.get(channel).map(|it| it.channel.clone());
        let Some(running) = parts.filter(|running| running.name() == provider) else {
            return unsigned();
        };
        let report = match running.report(callback) {
            Ok(report) => report,
            Err(error) => {
                self.app.metrics.report(channel.as_str(), REFUSED);
                return match error {
                    CallbackError::NotTaken | CallbackError::Unsigned => unsigned(),
                    CallbackError::Malformed(detail) => refuse(ErrorCode::BadParameter, detail),
                };
            }
        };
        let send = report.send;
        let (store, partitions) = (self.app.store.clone(), self.app.directory.count());
        let owners =
            self.read_for_report(move || sends::owners(&store, partitions, send.head())).await?;
        if owners.is_empty() {
            self.app.metrics.report(channel.as_str(), REFUSED);
            return refuse(ErrorCode::SendUnknown, format!("there is no send `{send}`"));
        }
        self.app.metrics.report(channel.as_str(), report.said.label());
        // Of customers whose keys begin alike only one has the send; the others find nothing.
        for owner in owners {
            self.told(owner.id, &report).await?;
        }
        Ok(())
    }

    async fn told(&self, customer: CustomerId, report: &channels::Report) -> Result<(), Refusal> {
        let said = match &report.said {
            Said::Taken => report::Said::Taken,
            Said::Delivered => report::Said::Delivered,
            Said::Failed { suppress } => {
                let suppress = suppress.as_ref();
                let suppress = suppress.map(|(to, why)| (Text::from(to.as_str()), *why));
                report::Said::Failed { suppress }
            }
        };
        let told = report::Report { said, reason: report.reason.clone() };
        match self.app.directory.report(customer, report.send, told) {
            Err(error) => busy(error),
            Ok(answer) => match answer.await {
                Ok(()) => Ok(()),
                Err(_) => refuse(ErrorCode::StoreUnavailable, "the report is not durable"),
            },
        }
    }
}

/// The same for all that nothing proves: it tells nobody which channels there are.
fn unsigned() -> Result<(), Refusal> {
    refuse(ErrorCode::ReportUnsigned, "nothing proves that this is the channel's provider")
}
