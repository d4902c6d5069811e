//! The page `/system`: the process and its partitions, the store, channels, settings without
//! secrets.

use actix_web::{HttpResponse, get, web};
use domain::channel::{Channel, Provider};
use maud::{Markup, html};
use runtime::handle::AskError;
use runtime::reply::{Unanswered, reply};

use super::layout::{self, Frame, Section};
use super::parts::{self, Column};
use super::reader::Reader;
use super::text;
use crate::actors::PartitionMsg;
use crate::actors::ingest::Directory;
use crate::web::Site;

/// How a partition stands.
#[derive(Clone, Copy, Debug)]
struct Partition {
    number: u16,
    sequence: u64,
    durable: u64,
    open: usize,
}

#[get("/system")]
pub(super) async fn system_page(site: web::Data<Site>, reader: Reader) -> HttpResponse {
    let partitions = match partitions(&site.directory).await {
        Ok(partitions) => partitions,
        Err(why) => return parts::unavailable(&reader, &why),
    };
    let store = site.store.clone();
    let usage = match web::block(move || store.usage()).await {
        Ok(usage) => usage,
        Err(error) => return parts::unavailable(&reader, &error),
    };
    let published = site.admin.published(|publication, built| {
        let channels = built.definitions.channels.values().map(|one| Channel::clone(one));
        (publication.revision, channels.collect::<Vec<_>>())
    });
    let (revision, channels) = published.await;
    let status = site.admin.status().await;
    let lag: u64 = partitions.iter().map(|one| one.sequence.saturating_sub(one.durable)).sum();
    let content = html! {
        dl.facts {
            dt { (reader.t(text::PROGRAM)) } dd { "Cadencia " (status.version) }
            dt { (reader.t(text::CLOCK)) }
            dd {
                (reader.clock_text(reader.now)) " " (reader.zone)
                @if status.replay { " · " (reader.t(text::REPLAYED)) }
            }
            dt { (reader.t(text::DEFINITIONS)) }
            dd { a href="/definitions" { (reader.fill(text::REVISION_N, &[&revision])) } }
        }
        h2 { (reader.t(text::LAG)) }
        (work(&reader, &site, lag, &partitions))
        h2 { (reader.t(text::STORE)) }
        (stored(&reader, &site, usage))
        h2 { (reader.t(text::CHANNELS)) }
        (channel_table(&reader, &channels))
        h2 { (reader.t(text::PARTITIONS)) }
        (partition_table(&reader, &partitions))
        h2 { (reader.t(text::SETTINGS)) }
        @match site.shown_settings() {
            Some(settings) => {
                p.soft { (reader.t(text::NO_SECRETS)) }
                pre.body tabindex="0" { (settings) }
            }
            None => { p.soft { (reader.t(text::NO_SETTINGS)) } }
        }
    };
    let title = reader.t(text::SYSTEM);
    layout::page(&reader, Frame { title, here: Section::System, live: true }, &content)
}

/// Asks every partition, each between two turns.
async fn partitions(directory: &Directory) -> Result<Vec<Partition>, AskError> {
    let mut answers = Vec::new();
    for partition in directory.all() {
        let (asker, answer) = reply();
        let query = PartitionMsg::Query(Box::new(move |partition| {
            asker.send(Partition {
                number: partition.id(),
                sequence: partition.seq(),
                durable: partition.durable(),
                open: partition.open_sends(),
            });
        }));
        let credit = partition.control.credits().try_take(1)?;
        partition.control.tell_reserved(query, credit).map_err(|_| Unanswered)?;
        answers.push(answer);
    }
    let mut partitions = Vec::new();
    for answer in answers {
        partitions.push(answer.await?);
    }
    Ok(partitions)
}

fn work(reader: &Reader, site: &Site, lag: u64, partitions: &[Partition]) -> Markup {
    let (metrics, stats) = (&site.metrics, site.store.stats());
    let open = partitions.iter().map(|one| one.open).sum();
    let number = |label, value: u64| parts::figure(reader.t(label), &count(reader, value), "");
    html! {
        dl.figures {
            (number(text::NOT_DURABLE, lag))
            (number(text::QUEUED, stats.queued_transactions))
            (parts::figure(reader.t(text::WITHOUT_ANSWER), &reader.count(open), ""))
            (number(text::UNKNOWN_SENDS, metrics.sends_unknown.get()))
            (parts::figure(
                reader.t(text::TIMERS),
                &reader.number(metrics.pending_timers.get()),
                "",
            ))
            (parts::figure(
                reader.t(text::IN_MEMORY),
                &reader.number(metrics.active_customers.get()),
                "",
            ))
            (number(text::NO_ROOM, metrics.mailbox_refused.get()))
        }
    }
}

fn count(reader: &Reader, value: u64) -> String {
    reader.number(i64::try_from(value).unwrap_or(i64::MAX))
}

fn stored(reader: &Reader, site: &Site, usage: store::Usage) -> Markup {
    let stats = site.store.stats();
    let mib = |bytes: u64| format!("{} MiB", count(reader, bytes.div_ceil(1 << 20)));
    let mean_us = stats.commit_us.checked_div(stats.commits).unwrap_or(0);
    let ms = |us: u64| format!("{:.1} ms", us as f64 / 1e3);
    html! {
        dl.figures {
            (parts::figure(reader.t(text::ON_DISK), &mib(usage.disk_bytes), ""))
            (parts::figure(reader.t(text::JOURNAL), &mib(usage.journal_bytes), ""))
            (parts::figure(reader.t(text::COMMITS), &count(reader, stats.commits), ""))
            (parts::figure(reader.t(text::TRANSACTIONS), &count(reader, stats.transactions), ""))
            (parts::figure(reader.t(text::COMMIT_MEAN), &ms(mean_us), ""))
            (parts::figure(reader.t(text::COMMIT_MOST), &ms(stats.commit_us_max), ""))
        }
    }
}

fn channel_table(reader: &Reader, channels: &[Channel]) -> Markup {
    if channels.is_empty() {
        return parts::empty(reader.t(text::NO_CHANNELS), reader.t(text::APPLY_ADVICE));
    }
    let columns = [
        Column::Text(text::CHANNEL),
        Column::Text(text::KIND),
        Column::Text(text::ADDRESS),
        Column::Text(text::RATE),
    ];
    let kind = |channel: &Channel| match &channel.provider {
        Provider::Capture { .. } => "capture",
        Provider::Smtp(_) => "smtp",
        Provider::Sms(_) => "sms",
        Provider::Webhook(_) => "webhook",
        Provider::Audience(_) => "audience",
    };
    let rows = html! {
        @for channel in channels {
            tr {
                th.left scope="row" { (channel.name) }
                td.left { (reader.word(kind(channel))) }
                td.left { (channel.address) }
                td.left {
                    @if let Some(rate) = &channel.rate { (rate.limit) " / " (rate.per) }
                    @else { span.soft { (reader.t(text::NONE)) } }
                }
            }
        }
    };
    parts::table(reader, reader.t(text::CHANNELS), &columns, &rows)
}

fn partition_table(reader: &Reader, partitions: &[Partition]) -> Markup {
    let columns = [
        Column::Number(text::PARTITION),
        Column::Number(text::SEQUENCE),
        Column::Number(text::NOT_DURABLE),
        Column::Number(text::WITHOUT_ANSWER),
    ];
    let rows = html! {
        @for one in partitions {
            tr {
                td { (one.number) }
                td { (count(reader, one.sequence)) }
                td { (count(reader, one.sequence.saturating_sub(one.durable))) }
                td { (reader.count(one.open)) }
            }
        }
    };
    html! {
        details #partitions {
            summary { (reader.fill(text::SO_MANY_PARTITIONS, &[&partitions.len()])) }
            (parts::table(reader, reader.t(text::PARTITIONS), &columns, &rows))
        }
    }
}
