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
    // How far behind the process is.
    ("on_time", "on time", "a tiempo"),
    ("late", "late", "con retraso"),
    ("fast", "fast", "rápido"),
    ("slow", "slow", "lento"),
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
    ("minimum_gap", "minimum gap", "separación mínima"),
    ("send_window", "send window", "ventana de envío"),
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
    // The head of a captured message.
    ("To", "To", "Para"),
    ("From", "From", "De"),
    ("Reply-To", "Reply-To", "Responder a"),
    ("Subject", "Subject", "Asunto"),
    ("Channel", "Channel", "Canal"),
    ("Send", "Send", "Envío"),
    ("Attempt", "Attempt", "Intento"),
    // Changes of the audit log.
    ("audience.export", "export an audience", "exportar una audiencia"),
    ("customer.unsuppress", "lift stops on addresses", "levantar bloqueos de direcciones"),
    ("definitions.apply", "apply definitions", "aplicar definiciones"),
    ("events.import", "import events", "importar eventos"),
    ("journey.enroll", "enroll a customer", "inscribir a un cliente"),
    ("journey.pause", "pause a journey", "pausar un recorrido"),
    ("journey.resume", "resume a journey", "reanudar un recorrido"),
    ("journey.stop", "stop a journey", "detener un recorrido"),
    ("message.test", "send a test message", "enviar un mensaje de prueba"),
    ("send.redrive", "send a message again", "enviar un mensaje de nuevo"),
    ("session.begin", "log in", "entrar"),
    ("session.end", "log out", "salir"),
    ("token.create", "make a token", "crear un token"),
    ("token.revoke", "revoke a token", "revocar un token"),
    ("token.rotate", "rotate a token", "rotar un token"),
    ("user.create", "make a user", "crear un usuario"),
    ("user.delete", "delete a user", "eliminar un usuario"),
    ("user.disable", "disable a user", "desactivar un usuario"),
    ("user.enable", "enable a user", "activar un usuario"),
    ("user.own_password", "change one's own password", "cambiar la contraseña propia"),
    ("user.password", "give a user a new password", "dar una contraseña nueva a un usuario"),
    ("user.role", "change a role", "cambiar un rol"),
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

/// How rows begin that say who did something; the name follows.
const KINDS_OF_WHO: &[(&str, &str)] = &[
    ("user ", "usuario "),
    ("token ", "token "),
    ("source ", "origen "),
    ("customer ", "cliente "),
    ("control socket ", "socket de control "),
];
/// Those without a name, and what is changed that has none.
const WITHOUT_NAMES: &[(&str, &str)] = &[
    ("control socket", "socket de control"),
    ("start of the server", "arranque del servidor"),
    ("one-time link", "enlace de un solo uso"),
    ("nobody", "nadie"),
    ("definitions", "definiciones"),
];

/// Who did something, or to whom it was done, in a language.
pub(super) fn who(who: &str, language: Language) -> String {
    let said = |(en, es): &(&str, &str)| who.strip_prefix(en).map(|name| format!("{es}{name}"));
    let whole = WITHOUT_NAMES.iter().find(|(en, _)| *en == who);
    let whole = whole.map(|(_, es)| (*es).to_owned());
    let spanish = whole.or_else(|| KINDS_OF_WHO.iter().find_map(said));
    spanish.filter(|_| language == Language::Spanish).unwrap_or_else(|| who.to_owned())
}

/// Every word, in English and in Spanish.
pub(super) fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    STABLE.iter().map(|(_, en, es)| (*en, *es))
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
    fn every_change_of_the_audit_log_has_words() {
        for word in crate::access::audit::ACTIONS {
            assert!(STABLE.iter().any(|(known, ..)| *known == word), "{word}");
        }
    }

    #[test]
    fn who_did_something_is_said_in_the_language() {
        assert_eq!(who("user ann", Language::Spanish), "usuario ann");
        assert_eq!(who("user ann", Language::English), "user ann");
        assert_eq!(who("one-time link", Language::Spanish), "enlace de un solo uso");
        assert_eq!(who("control socket (uid 0)", Language::Spanish), "socket de control (uid 0)");
        for other in ["cart-rescue", "definitions-2", "nobody-knows"] {
            assert_eq!(who(other, Language::Spanish), other);
        }
    }

    #[test]
    fn exits_and_rules_of_the_engine_have_words() {
        for word in engine::counters::EXITS {
            assert!(STABLE.iter().any(|(known, ..)| *known == word), "{word}");
        }
    }
}
