//! Stable words of API, rows and metrics, as people of each language say them.

use std::borrow::Cow;

use super::text::Language;

/// Stable words of API, rows and metrics, as people of each language say them.
const STABLE: &[(&str, &str, &str)] = &[
    // States of journeys, enrollments and campaigns.
    ("running", "running", "en marcha"),
    ("paused", "paused", "en pausa"),
    ("stopped", "stopped", "detenido"),
    ("waiting", "waiting", "espera"),
    ("not_begun", "not begun", "sin empezar"),
    ("over", "over", "terminada"),
    // States of sends.
    ("planned", "planned", "previsto"),
    ("in_flight", "in flight", "en vuelo"),
    ("accepted", "accepted", "aceptado"),
    ("delivered", "delivered", "entregado"),
    ("bounced", "bounced", "devuelto"),
    ("rejected", "rejected", "rechazado"),
    ("not_sent", "not sent", "no enviado"),
    ("unknown", "unknown", "desconocido"),
    // Decisions and rulings.
    ("sent", "sent", "enviado"),
    ("held", "held", "retenido"),
    ("refused", "refused", "rechazado"),
    ("allow", "goes", "sale"),
    ("hold", "held", "retenido"),
    ("refuse", "refused", "rechazado"),
    ("next_channel", "next channel", "siguiente canal"),
    // Entries of a timeline.
    ("event", "event", "evento"),
    ("not_counted", "not counted", "sin contar"),
    ("unknown_zone", "unknown zone", "zona desconocida"),
    ("entered", "entered", "entró"),
    ("not_entered", "not entered", "no entró"),
    ("step", "step", "paso"),
    ("exited", "left", "salió"),
    ("segment", "segment", "segmento"),
    ("merged", "merged", "unido"),
    ("not_merged", "not merged", "no unido"),
    ("migrated", "migrated", "migrado"),
    ("audience_left", "left an audience", "salió de una audiencia"),
    ("redriven", "sent again", "reenviado"),
    ("reported", "reported", "informado"),
    // Reasons of exits.
    ("completed", "completed", "completado"),
    ("goal", "goal", "objetivo"),
    ("exit_condition", "exit condition", "condición de salida"),
    ("exit_step", "exit step", "paso de salida"),
    ("past_date", "date had passed", "fecha pasada"),
    ("withdrawn", "withdrawn", "retirado"),
    ("error", "error", "error"),
    // Kinds of rules.
    ("suppression", "suppression", "supresión"),
    ("consent", "consent", "consentimiento"),
    ("holdout", "holdout", "grupo de control"),
    ("validity", "validity", "validez"),
    ("quiet_hours", "quiet hours", "horas de silencio"),
    ("frequency_cap", "frequency cap", "límite de frecuencia"),
    ("budget", "budget", "presupuesto"),
    ("channel_rate", "channel rate", "ritmo del canal"),
    ("reachability", "reachability", "alcance"),
    ("catch_up", "catch-up", "recuperación"),
    // Kinds of steps and channels.
    ("wait", "wait", "espera"),
    ("send", "send", "envío"),
    ("branch", "branch", "bifurcación"),
    ("split", "split", "reparto"),
    ("update", "update", "cambio"),
    ("exit", "exit", "salida"),
    ("webhook", "webhook", "webhook"),
    ("audience", "audience", "audiencia"),
    ("capture", "captured", "capturado"),
    ("smtp", "SMTP", "SMTP"),
    ("sms", "SMS", "SMS"),
    // Consents.
    ("granted", "granted", "dado"),
    ("denied", "denied", "negado"),
    ("suppressed", "suppressed", "suprimido"),
    ("hard_bounce", "hard bounce", "rebote permanente"),
    ("opted_out", "opted out", "dado de baja"),
    // Changes of definitions.
    ("added", "added", "nuevo"),
    ("changed", "changed", "cambiado"),
    ("removed", "removed", "retirado"),
    // Tokens and users.
    ("good", "good", "válido"),
    ("expired", "expired", "caducado"),
    ("revoked", "revoked", "revocado"),
    ("enabled", "enabled", "activo"),
    ("disabled", "disabled", "desactivado"),
    ("api", "API token", "token de API"),
    ("write_key", "write key", "clave de escritura"),
    ("password", "password", "contraseña"),
    ("identity_provider", "identity provider", "proveedor de identidad"),
    ("viewer", "viewer", "observador"),
    ("marketer", "marketer", "marketing"),
    ("operator", "operator", "operador"),
    ("admin", "admin", "administrador"),
];

/// A stable word in a language; a word that is in no table is shown as it is.
pub(super) fn stable(word: &str, language: Language) -> Cow<'_, str> {
    match STABLE.iter().find(|(known, ..)| *known == word) {
        Some((_, en, es)) => Cow::Borrowed(match language {
            Language::English => en,
            Language::Spanish => es,
        }),
        None if word.contains('_') => Cow::Owned(word.replace('_', " ")),
        None => Cow::Borrowed(word),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn stable_words_are_known_once_and_others_are_shown_as_they_are() {
        let known: BTreeSet<&str> = STABLE.iter().map(|(word, ..)| *word).collect();
        assert_eq!(known.len(), STABLE.len());
        assert_eq!(stable("quiet_hours", Language::Spanish), "horas de silencio");
        assert_eq!(stable("two-a-week", Language::Spanish), "two-a-week");
        assert_eq!(stable("some_word", Language::English), "some word");
    }

    #[test]
    fn exits_and_rules_of_the_engine_have_words() {
        for word in engine::counters::EXITS {
            assert!(STABLE.iter().any(|(known, ..)| *known == word), "{word}");
        }
    }
}
