//! What stands in a timeline, in the reader's language. English is what API and command line say;
//! other languages say the same again, from what the text was made of.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use domain::event::EventBody;
use domain::journey::steps::Kind;
use domain::membership::LeftBecause;
use domain::time::Instant;
use domain::verdict::{CapWindow, Decision, Reason, Verdict};
use engine::history::{HistoryItem, NotEntered, NotMerged};
use maud::{Markup, html};
use regex::{Captures, Regex};

use super::reader::Reader;
use super::text::Language;
use crate::timeline::{Entry, RuleLine, Told, state_word};

/// What an entry says.
pub(super) fn entry(reader: &Reader, entry: &Entry) -> Markup {
    let spanish = match (&entry.told, reader.language) {
        (_, Language::English) | (None, _) => None,
        (Some(told), Language::Spanish) => Some(told_spanish(reader, told)),
    };
    match spanish {
        Some(text) => html! { (reader.mask.text(&text)) },
        None => html! { (local(reader, &entry.text)) },
    }
}

/// Why a rule ruled as it did.
pub(super) fn reason(reader: &Reader, rule: &RuleLine) -> Markup {
    said(reader, Some(&rule.reason), rule.why.as_ref())
}

/// A reason, by its English text or by what that was made of.
pub(super) fn said(reader: &Reader, text: Option<&str>, why: Option<&Reason>) -> Markup {
    let spanish = why.filter(|_| reader.language == Language::Spanish);
    match (spanish, text) {
        (Some(why), _) => html! { (reader.mask.text(&reason_spanish(reader, why))) },
        (None, Some(text)) => html! { (local(reader, text)) },
        (None, None) => html! {},
    }
}

/// An instant as texts write it.
static INSTANT: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z";
    Regex::new(pattern).expect("the pattern is a regular expression")
});

/// The same text with its instants in the zone of the page.
fn local<'a>(reader: &Reader, text: &'a str) -> Cow<'a, str> {
    INSTANT.replace_all(text, |found: &Captures<'_>| match Instant::parse(&found[0]) {
        Some(at) => reader.clock_text(at),
        None => found[0].to_owned(),
    })
}

fn told_spanish(reader: &Reader, told: &Told) -> String {
    match told {
        Told::Item(item) => item_spanish(reader, item),
        Told::Send { kind, template, channel, attempts, reply } => {
            let reply = match reply.as_str() {
                "" => "sin respuesta".to_owned(),
                reply => format!("«{reply}»"),
            };
            match kind {
                Kind::Audience => format!("miembro de {channel}"),
                Kind::Webhook => format!("webhook por {channel}, intento {attempts}: {reply}"),
                Kind::Message => {
                    format!("mensaje {template} por {channel}, intento {attempts}: {reply}")
                }
            }
        }
    }
}

fn item_spanish(reader: &Reader, item: &HistoryItem) -> String {
    match item {
        HistoryItem::Event(event) => event_spanish(reader, &event.body),
        HistoryItem::NotCounted => "el evento no se cuenta: demasiados nombres".to_owned(),
        HistoryItem::UnknownZone => "la zona horaria no se conoce; queda la anterior".to_owned(),
        HistoryItem::TraitsNotKept(names) => {
            let names = names.join(", ");
            format!("no caben estos atributos, quedan como estaban: {names}")
        }
        HistoryItem::Entered { journey, key, .. } if key.is_empty() => {
            format!("entró en {journey}")
        }
        HistoryItem::Entered { journey, key, .. } => {
            format!("entró en {journey} con la clave {key}")
        }
        HistoryItem::NotEntered { journey, reason } => {
            format!("no entró en {journey}: {}", not_entered(*reason))
        }
        HistoryItem::Step { step, .. } => format!("llegó al paso {step}"),
        HistoryItem::Exited { journey, reason, .. } => {
            format!("salió de {journey}: {}", reader.word(reason.as_str()))
        }
        HistoryItem::Decided { journey, step, channel, verdict, sent, .. } => {
            let what = format!("{journey}/{step} por {channel}");
            decided(reader, &what, verdict, *sent)
        }
        HistoryItem::Withdrawn { .. } => "el mensaje retenido ya no hace falta".to_owned(),
        HistoryItem::Redriven { of, .. } => {
            format!("un operador quiere enviar de nuevo el envío {of}")
        }
        HistoryItem::Reported { state, reason, before, .. } => {
            let now = reader.word(state_word(*state));
            let mut text = format!("el proveedor informa: {now}: {reason}");
            if let Some((state, since, reply)) = before {
                let before = reader.word(state_word(*state));
                let _ = write!(text, "; {before} desde {since}: {reply}");
            }
            text
        }
        HistoryItem::SegmentEntered(name) => format!("ahora es miembro de {name}"),
        HistoryItem::SegmentLeft(name) => format!("ya no es miembro de {name}"),
        HistoryItem::AudienceLeft { audience, reason } => {
            format!("ya no es miembro de {audience}: {}", left_because(*reason))
        }
        HistoryItem::Migrated { step, .. } => {
            format!("pasó a una versión más nueva, en el paso {step}")
        }
        HistoryItem::Merged { into } => {
            format!("se unió a {into}; lo posterior está allí")
        }
        HistoryItem::Absorbed { from } => format!("{from} se unió a este cliente"),
        HistoryItem::NotMerged { previous, reason } => {
            let why = match reason {
                NotMerged::Circle => "ya se unieron en sentido contrario",
                NotMerged::AlreadyMerged => "el cliente anónimo ya se unió a otro",
                NotMerged::ChainTooLong => "se siguen demasiadas uniones",
            };
            format!("{previous} no se unió a este cliente: {why}")
        }
    }
}

fn not_entered(reason: NotEntered) -> &'static str {
    match reason {
        NotEntered::Condition => "no se cumplía la condición de entrada",
        NotEntered::NoKey => "no se pudo calcular la clave de entrada",
        NotEntered::Reentry => "la regla de reentrada lo impide",
        NotEntered::TooOld => "el evento es anterior a max_event_age",
        NotEntered::Paused => "el recorrido está en pausa",
        NotEntered::Limit => "el cliente tiene tantas entradas como se pueden guardar",
        NotEntered::Stopped => "el recorrido está detenido",
    }
}

fn left_because(reason: LeftBecause) -> &'static str {
    match reason {
        LeftBecause::Step => "un paso lo dice",
        LeftBecause::Expired => "su tiempo acabó",
        LeftBecause::Consent => "ya no hay consentimiento",
        LeftBecause::Unreachable => "no hay identificador que se pueda exportar",
        LeftBecause::Removed => "la audiencia ya no está declarada",
        LeftBecause::TooMany => "con la fusión sería una audiencia de más",
    }
}

fn decided(reader: &Reader, what: &str, verdict: &Verdict, sent: bool) -> String {
    let why = verdict.deciding().map_or_else(String::new, |rule| {
        let (name, why) = (reader.word(rule.rule.as_str()), reason_spanish(reader, &rule.reason));
        format!(" por la regla {name}: {why}")
    });
    match verdict.decision {
        Decision::Allow if sent => format!("{what} sale"),
        Decision::Allow => format!("{what} espera una conexión"),
        Decision::HoldUntil(until) => {
            format!("{what} queda retenido hasta {}{why}", reader.clock_text(until))
        }
        Decision::NextChannel => format!("{what} pasa al siguiente canal{why}"),
        Decision::Refuse => format!("{what} no sale{why}"),
    }
}

fn event_spanish(reader: &Reader, body: &EventBody) -> String {
    match body {
        EventBody::Track { name, properties } => {
            let shown: Vec<String> = properties
                .iter()
                .take(6)
                .map(|(name, value)| format!("{name}={}", reader.mask.property(name, value)))
                .collect();
            format!("{name} {}", shown.join(", ")).trim_end().to_owned()
        }
        EventBody::Identify { traits } => {
            let names: Vec<&str> = traits.keys().map(|name| &**name).collect();
            format!("rasgos: {}", names.join(", "))
        }
        EventBody::Consent(change) => {
            let of = |name: Option<&str>| name.unwrap_or("todo").to_owned();
            let word = match change.permission {
                domain::consent::Permission::Granted => "dado",
                domain::consent::Permission::Denied => "negado",
            };
            format!(
                "consentimiento {word} para {} / {} ({})",
                of(change.channel.as_ref().map(|name| name.as_str())),
                of(change.topic.as_ref().map(|name| name.as_str())),
                change.source
            )
        }
        EventBody::StopsLifted(channel) => {
            format!("un operador levantó la supresión de direcciones de {channel}")
        }
    }
}

fn reason_spanish(reader: &Reader, reason: &Reason) -> String {
    let at = |at: &domain::time::Instant| reader.clock_text(*at);
    match reason {
        Reason::AddressClear => "la dirección no está suprimida".to_owned(),
        Reason::Suppressed(why) => {
            format!("la dirección está suprimida: {}", reader.word(why))
        }
        Reason::ConsentGranted => "hay consentimiento".to_owned(),
        Reason::ConsentDenied => "el consentimiento está negado".to_owned(),
        Reason::ConsentAbsent => "no hay consentimiento registrado".to_owned(),
        Reason::ConsentIgnored => "la clase no necesita consentimiento".to_owned(),
        Reason::Reachable => "el cliente tiene una dirección en este canal".to_owned(),
        Reason::NoAddress => "el cliente no tiene dirección en este canal".to_owned(),
        Reason::ValidUntil(until) => format!("válido hasta {}", at(until)),
        Reason::Expired(until) => format!("fue válido hasta {}", at(until)),
        Reason::HeldPastValidity { rule, until, valid_until } => format!(
            "la regla {} lo retiene hasta {}, pero vale hasta {}",
            reader.word(rule.as_str()),
            at(until),
            at(valid_until)
        ),
        Reason::InTime => "no se perdió nada".to_owned(),
        Reason::SkippedCatchUp => "la espera acabó tarde y catch-up dice saltar".to_owned(),
        Reason::ClassExempt => "la clase del mensaje no obedece esta regla".to_owned(),
        Reason::OutOfScope => "la regla es de otros mensajes".to_owned(),
        Reason::NotQuiet => "fuera de las horas de silencio".to_owned(),
        Reason::Quiet { until, zone_known } => {
            format!("horas de silencio hasta {}{}", at(until), unknown_zone(*zone_known))
        }
        Reason::Holiday { until, zone_known } => {
            format!("un festivo, silencio hasta {}{}", at(until), unknown_zone(*zone_known))
        }
        Reason::InSendWindow => "dentro de la ventana de envío".to_owned(),
        Reason::OutsideSendWindow { until, zone_known } => {
            format!("fuera de la ventana de envío hasta {}{}", at(until), unknown_zone(*zone_known))
        }
        Reason::CapRoom(window) => format!("el límite tiene sitio en {}", window_spanish(*window)),
        Reason::CapFull(window) => format!("el límite está lleno en {}", window_spanish(*window)),
        Reason::CapTooFull { window, weight } => format!(
            "el límite no tiene sitio en {} para un mensaje que cuenta por {weight}",
            window_spanish(*window)
        ),
        Reason::CapLimitUnknown(why) => format!("el límite no se puede calcular: {why}"),
        Reason::GapKept(ms) => format!("ningún mensaje en {}", length_spanish(*ms)),
        Reason::GapTooShort { last, gap_ms } => {
            format!("el último mensaje fue {}, hace menos de {}", at(last), length_spanish(*gap_ms))
        }
        Reason::NotE164 => {
            "el número del cliente no está en E.164 (`+`, código de país, dígitos, sin espacios)"
                .to_owned()
        }
        Reason::AudiencesFull => {
            "el cliente ya está en tantas audiencias como puede estar".to_owned()
        }
    }
}

fn unknown_zone(zone_known: bool) -> &'static str {
    if zone_known { "" } else { ", la zona horaria no se conoce" }
}

fn length_spanish(ms: i64) -> String {
    const UNITS: [(i64, &str, &str); 4] = [
        (86_400_000, "día", "días"),
        (3_600_000, "hora", "horas"),
        (60_000, "minuto", "minutos"),
        (1_000, "segundo", "segundos"),
    ];
    let exact = UNITS.into_iter().find(|(unit, ..)| ms % unit == 0);
    let (unit, one, many) = exact.unwrap_or((1, "milisegundo", "milisegundos"));
    let count = ms / unit;
    format!("{count} {}", if count == 1 { one } else { many })
}

fn window_spanish(window: CapWindow) -> String {
    match window {
        CapWindow::Rolling(ms) => format!("{} cualesquiera", length_spanish(ms)),
        CapWindow::Day => "el día natural".to_owned(),
        CapWindow::Week => "la semana natural".to_owned(),
        CapWindow::Month => "el mes natural".to_owned(),
        CapWindow::Quarter => "el trimestre natural".to_owned(),
        CapWindow::Hour => "la hora del reloj".to_owned(),
        CapWindow::Minute => "el minuto del reloj".to_owned(),
    }
}
