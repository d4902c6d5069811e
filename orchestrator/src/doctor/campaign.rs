//! The campaign, and whether its channels reach those who deliver.

use std::path::Path;
use std::sync::Arc;

use channels::http::Egress;
use channels::unsubscribe::Keys;
use runtime::Clock;

use super::Check;
use crate::admin::Workshop;
use crate::{config, outgoing};

/// Longest time that a channel may take to answer, in milliseconds: as long as a patient person.
const PROBE_MS: u64 = 15_000;

/// Validates a campaign directory and reaches its channels; nothing is sent. `folder` is where the
/// files are that channels name, `exports` where audiences are exported, `egress` what asks
/// providers over HTTP.
pub async fn campaign(
    directory: &Path,
    folder: &Path,
    exports: &Path,
    egress: Egress,
    clock: &Clock,
) -> Vec<Check> {
    let loaded = config::load_directory(directory);
    let (errors, shown) = (loaded.report.errors(), directory.display());
    let Some(definitions) = loaded.definitions else {
        let found = format!("{shown} has {errors} errors");
        let advice = format!("see them with `cadencia validate {shown}`");
        return vec![Check::failed("campaign", found, advice)];
    };
    let found = format!("{shown}: {} journeys", definitions.journeys.len());
    let mut checks = vec![Check::ok("campaign", found)];
    // Nothing is signed here: any key will do.
    let keys = match Keys::new([(1, [0_u8; 32].as_slice())]) {
        Ok(keys) => Arc::new(keys),
        Err(error) => {
            checks.push(Check::failed("channels", error.to_string(), "report this"));
            return checks;
        }
    };
    let (folder, exports) = (folder.to_owned(), exports.to_owned());
    let workshop = Workshop { keys, folder, exports, public_url: None, egress };
    let outgoing = match outgoing::build(&definitions, &workshop, clock, None) {
        Ok(outgoing) => outgoing,
        Err(error) => {
            let advice = "correct the channel, or give the folder with `--files`";
            checks.push(Check::failed("channels", error.to_string(), advice));
            return checks;
        }
    };
    let mut parts: Vec<_> = outgoing.parts.iter().collect();
    parts.sort_by_key(|(name, _)| *name);
    for (name, parts) in parts {
        let check = format!("channel {name} ({})", parts.channel.name());
        checks.push(match clock.timeout(PROBE_MS, parts.channel.probe()).await {
            Ok(Ok(found)) => Check::ok(check, found),
            Ok(Err(found)) => {
                Check::failed(check, found, "correct the channel, or ask who runs its server")
            }
            Err(_) => Check::failed(check, "no answer in time", "is the address right?"),
        });
    }
    checks
}
