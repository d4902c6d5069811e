//! Providers from the definitions of their channels, and from the files that these name.

use std::path::Path;

use channels::audience::Folder;
use channels::email::dkim::Signer;
use channels::email::message::Identity;
use channels::email::smtp::{Credentials, Security, Settings, Smtp};
use channels::sms::twilio::Twilio;
use channels::webhook::{Endpoint, Secret};
use domain::channel::{Audience, Sms, Tls, Webhook};
use domain::ids::ChannelName;

use super::OutgoingError;
use super::messages::recipient;
use crate::admin::Workshop;

/// What a provider is built with.
pub(super) struct Building<'a> {
    pub(super) name: &'a ChannelName,
    pub(super) with: &'a Workshop,
}

impl Building<'_> {
    fn wrong(&self, error: &dyn std::fmt::Display) -> OutgoingError {
        OutgoingError::Channel { channel: self.name.clone(), detail: error.to_string() }
    }

    /// The text of a file that the channel names.
    fn read(&self, file: &str) -> Result<String, OutgoingError> {
        let path = Path::new(&self.with.folder).join(file);
        std::fs::read_to_string(&path).map_err(|error| OutgoingError::File {
            channel: self.name.clone(),
            path,
            error,
        })
    }

    /// Exports lie in the data directory, unless the definition says where else.
    pub(super) fn audience(&self, audience: &Audience) -> Folder {
        let folder = self.with.exports.join(&audience.folder);
        Folder::new(self.name.as_str(), audience, folder)
    }

    pub(super) fn sms(&self, sms: &Sms) -> Result<Twilio, OutgoingError> {
        let password = self.read(&sms.twilio.password_file)?;
        let twilio = Twilio::new(sms.clone(), &password, self.with.egress.clone());
        let twilio = twilio.map_err(|error| self.wrong(&error))?;
        let (Some(base), Some(file)) = (&self.with.public_url, &sms.twilio.auth_token_file) else {
            return Ok(twilio);
        };
        let base = format!("{}/hooks/twilio/{}", base.trim_end_matches('/'), self.name);
        let twilio = twilio.with_reports(&base, &self.read(file)?);
        twilio.map_err(|error| self.wrong(&error))
    }

    pub(super) fn webhook(&self, webhook: &Webhook) -> Result<Endpoint, OutgoingError> {
        let secret = |file: &String| {
            let secret = Secret::parse(&self.read(file)?);
            secret.map_err(|error| self.wrong(&format!("{file}: {error}")))
        };
        let secrets = webhook.secret_files.iter().map(secret).collect::<Result<_, _>>()?;
        let endpoint = Endpoint::new(webhook.clone(), secrets, self.with.egress.clone());
        endpoint.map_err(|error| self.wrong(&error))
    }

    pub(super) fn smtp(&self, smtp: &domain::channel::Smtp) -> Result<Smtp, OutgoingError> {
        let mut settings = Settings::new(&smtp.host, smtp.port, &smtp.message_id_domain);
        settings.security = match smtp.tls {
            Tls::Starttls => Security::Required,
            Tls::Implicit => Security::Implicit,
            Tls::None => Security::None,
        };
        settings.slots = usize::from(smtp.slots);
        if let Some((user, password_file)) = &smtp.login {
            let password = self.read(password_file)?.trim_end().to_owned();
            settings.credentials = Some(Credentials { user: user.clone(), password });
        }
        let from = recipient(&smtp.from);
        let identity = Identity::new(&from, None, Some(&smtp.message_id_domain), None)
            .map_err(|error| self.wrong(&error))?;
        let signer = match &smtp.dkim {
            None => None,
            Some(dkim) => {
                let pem = self.read(&dkim.key_file)?;
                let signer = Signer::from_pem(&dkim.domain, &dkim.selector, &pem, &dkim.key_file);
                Some(signer.map_err(|error| self.wrong(&error))?)
            }
        };
        Smtp::new(settings, identity, signer).map_err(|error| self.wrong(&error))
    }
}
