//! Every text of the console, in every language that it speaks: the one table. `{}` stands for a
//! value. Stable words stand beside it, in `words`.

/// A language of the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Language {
    #[default]
    English,
    Spanish,
}

impl Language {
    pub(super) const ALL: [Self; 2] = [Self::English, Self::Spanish];

    /// Its tag (BCP 47).
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    /// What it calls itself.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Spanish => "Español",
        }
    }

    pub(super) fn of(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.word() == tag)
    }
}

/// A text in every language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    en: &'static str,
    es: &'static str,
}

impl Text {
    pub(super) fn of(self, language: Language) -> &'static str {
        match language {
            Language::English => self.en,
            Language::Spanish => self.es,
        }
    }
}

macro_rules! texts {
    ($($name:ident = $en:literal, $es:literal;)*) => {
        $(pub(super) const $name: Text = Text { en: $en, es: $es };)*
        #[cfg(test)]
        const EVERY_TEXT: &[Text] = &[$($name),*];
    };
}

texts! {
    // Places.
    OVERVIEW = "Overview", "Resumen";
    CAMPAIGNS = "Campaigns", "Campañas";
    CAMPAIGN = "campaign", "campaña";
    JOURNEYS = "Journeys", "Recorridos";
    JOURNEY = "journey", "recorrido";
    CUSTOMERS = "Customers", "Clientes";
    CUSTOMER = "customer", "cliente";
    CUSTOMER_N = "Customer {}", "Cliente {}";
    CUSTOMER_ID = "Customer id", "Id del cliente";
    SENDS = "Sends", "Envíos";
    WHY_NOT = "Why not?", "¿Por qué no?";
    MESSAGES = "Captured messages", "Mensajes capturados";
    EVENTS = "Event debugger", "Depurador de eventos";
    DEFINITIONS = "Definitions", "Definiciones";
    DEFINITION = "definition", "definición";
    SYSTEM = "System", "Sistema";
    TOKENS = "Tokens", "Tokens";
    USERS = "Users", "Usuarios";
    AUDIT = "Audit log", "Auditoría";
    // Around every page.
    SKIP = "Skip to content", "Saltar al contenido";
    MENU = "Menu", "Menú";
    NAVIGATION = "Console", "Consola";
    SHOW = "Show", "Mostrar";
    DISPLAY = "Display", "Aspecto";
    LANGUAGE = "Language", "Idioma";
    THEME = "Theme", "Tema";
    THEME_SYSTEM = "As the system", "Como el sistema";
    THEME_LIGHT = "Light", "Claro";
    THEME_DARK = "Dark", "Oscuro";
    LOG_IN = "Log in", "Entrar";
    LOG_OUT = "Log out", "Salir";
    LOG_IN_BY_PROVIDER = "Log in by your identity provider", "Entrar con su proveedor de identidad";
    LOGIN_REFUSED = "Name or password is wrong", "El nombre o la contraseña no son correctos";
    PASSWORD = "Password", "Contraseña";
    PAUSE_UPDATES = "Pause updates", "Pausar la actualización";
    RESUME_UPDATES = "Resume updates", "Reanudar la actualización";
    CONNECTION_LOST =
        "Connection lost: what you see may be old. Trying again…",
        "Conexión perdida: lo que ve puede ser antiguo. Se intenta de nuevo…";
    TIMES_ARE_IN = "Times are in {}", "Horas en {}";
    BACK_TO = "Back to {}", "Volver a {}";
    BACK_TO_OVERVIEW = "Back to the overview", "Volver al resumen";
    NEXT_PAGE = "Next page", "Página siguiente";
    OLDER = "Older", "Anteriores";
    NOT_FOUND = "Not found", "No encontrado";
    // Instants.
    SECONDS = "{} s", "{} s";
    MINUTES = "{} min", "{} min";
    HOURS = "{} h", "{} h";
    DAYS = "{} d", "{} d";
    MONTHS = "{} mo", "{} meses";
    YEARS = "{} y", "{} a";
    SPAN_AGO = "{} ago", "hace {}";
    IN_SPAN = "in {}", "en {}";
    NEVER = "never", "nunca";
    WHEN = "when", "cuándo";
    SINCE = "since", "desde";
    // Counts.
    ENROLLMENTS_MADE = "enrollments made", "inscripciones hechas";
    ACTIVE = "active", "activas";
    ENTERED = "entered", "entraron";
    WAITING = "waiting", "esperan";
    LEFT = "left", "salieron";
    LEFT_BY = "left: {}", "salieron: {}";
    SENT = "sent", "enviados";
    TIMES_HELD = "times held", "retenciones";
    REFUSED = "refused", "rechazados";
    CAPTURED = "captured", "capturados";
    WITHOUT_ANSWER = "without an answer yet", "aún sin respuesta";
    NOT_DURABLE = "not on disk yet", "aún no en disco";
    // The overview.
    TIME_IN_JOURNEYS = "Time in the journeys:", "Hora en los recorridos:";
    WHAT_RULES_DID = "What rules did", "Qué hicieron las reglas";
    SENT_BY_CHANNEL = "Sent by channel", "Enviados por canal";
    NEWEST_MESSAGES = "Newest captured messages", "Últimos mensajes capturados";
    SOME_CUSTOMERS = "Some customers", "Algunos clientes";
    NOTHING_RULED = "Nothing has been held or refused", "Nada se ha retenido ni rechazado";
    NOTHING_RULED_ADVICE =
        "Rules stand in the contact policy. What they do with a message is counted here.",
        "Las reglas están en la política de contacto. Aquí se cuenta lo que hacen.";
    NOTHING_SENT = "Nothing has been sent", "No se ha enviado nada";
    NOTHING_SENT_ADVICE =
        "Messages go when customers come to a step that sends.",
        "Los mensajes salen cuando un cliente llega a un paso que envía.";
    // Journeys.
    NO_JOURNEYS = "No journey is published", "No hay recorridos publicados";
    APPLY_ADVICE =
        "Publish definitions with `cadencia apply DIRECTORY`.",
        "Publique definiciones con `cadencia apply DIRECTORIO`.";
    NOT_PUBLISHED = "not published", "no publicado";
    PAUSE = "Pause", "Pausar";
    RESUME = "Resume", "Reanudar";
    START_AGAIN = "Start again", "Volver a empezar";
    STOP = "Stop the journey", "Detener el recorrido";
    STOP_ASK = "Stop…", "Detener…";
    STOP_MEANS =
        "Everybody on the way leaves at the next turn, and nobody enters. This cannot be undone \
         for those who leave.",
        "Todos los que están en camino salen en su próximo turno y nadie entra. Para quienes \
         salen no se puede deshacer.";
    VERSION = "version", "versión";
    VERSION_N = "version {}", "versión {}";
    VERSIONS = "Versions", "Versiones";
    IN_FORCE = "in force", "en vigor";
    REPLACED = "replaced", "reemplazada";
    ENTRY = "entry", "entrada";
    GOAL = "goal", "objetivo";
    EXIT = "exit", "salida";
    WITHIN = "within {}", "en {}";
    KEY = "key", "clave";
    BY_EVENT = "by event {}", "por el evento {}";
    BY_SEGMENT = "by segment {}", "por el segmento {}";
    BY_SCHEDULE = "by schedule {}", "por calendario {}";
    BY_API = "by the API", "por la API";
    REENTRY_NEVER = "once for each key", "una vez por clave";
    REENTRY_AFTER_EXIT = "again after the exit", "de nuevo tras la salida";
    REENTRY_AFTER = "again {} after the exit", "de nuevo {} tras la salida";
    REENTRY_PARALLEL = "always again", "siempre de nuevo";
    STEP = "step", "paso";
    STEPS = "Steps", "Pasos";
    KIND = "kind", "tipo";
    HASH = "content hash", "hash del contenido";
    GRAPH_OF = "Steps of {}", "Pasos de {}";
    AS_TABLE = "The same as a table", "Lo mismo en una tabla";
    OTHERWISE = "otherwise", "si no";
    AT_TIME = "at {}", "a las {}";
    EVENT_OR = "{}, or {}", "{}, o {}";
    SO_MANY_ARMS = "{} arms", "{} ramas";
    WHO_STANDS_HERE = "Customers on this step", "Clientes en este paso";
    NOBODY_HERE = "Nobody was found on this step", "No se encontró a nadie en este paso";
    RECORDS_LOOKED_AT = "{} customers looked at", "{} clientes examinados";
    LOOK_FURTHER = "Look further", "Seguir buscando";
    NEXT_LOOK = "goes on", "continúa";
    ENTERED_AT = "entered the journey", "entró en el recorrido";
    BY_EVENT_ONLY = "when an event comes", "cuando llegue un evento";
    STATE = "state", "estado";
    // Campaigns.
    NO_CAMPAIGNS = "No campaign is published", "No hay campañas publicadas";
    NO_CAMPAIGNS_ADVICE =
        "A document of kind Campaign gives journeys a common goal and dates.",
        "Un documento de tipo Campaign da a los recorridos un objetivo y fechas comunes.";
    STARTS = "starts", "empieza";
    ENDS = "ends", "termina";
    // Customers.
    NO_CUSTOMERS = "No customer is known", "No se conoce a ningún cliente";
    NO_CUSTOMERS_ADVICE =
        "Customers become known by the events that applications send.",
        "Los clientes se conocen por los eventos que envían las aplicaciones.";
    NOBODY_KNOWN = "Nobody is known under this id", "Nadie se conoce con este id";
    NOBODY_KNOWN_ADVICE =
        "Ids are compared letter by letter. The list of customers shows some.",
        "Los ids se comparan letra a letra. La lista de clientes muestra algunos.";
    KNOWN_SINCE = "known since", "se conoce desde";
    SEGMENTS = "segments", "segmentos";
    ZONE = "time zone", "zona horaria";
    NOT_KNOWN = "not known", "no se conoce";
    NONE = "none", "ninguno";
    MERGED_INTO = "merged into", "unido a";
    TRAITS = "Traits", "Rasgos";
    ENROLLMENTS = "Enrollments", "Inscripciones";
    NO_ENROLLMENTS = "In no journey at the moment.", "En ningún recorrido por ahora.";
    CONSENTS = "Consents and stops", "Consentimientos y bloqueos";
    NO_CONSENTS = "Nothing was said about consent.", "No se ha dicho nada sobre consentimiento.";
    CHANNEL = "channel", "canal";
    TOPIC = "topic", "tema";
    SOURCE = "source", "origen";
    EVERYTHING = "everything", "todo";
    TIMELINE = "Timeline, newest first", "Cronología, lo último primero";
    WHAT = "what", "qué";
    DETAILS = "details", "detalles";
    OLDER_NOT_SHOWN = "Older entries are not shown.", "Las entradas anteriores no se muestran.";
    NOTHING_YET = "Nothing has happened yet", "Aún no ha pasado nada";
    NOTHING_YET_ADVICE =
        "Events and decisions of this customer will stand here.",
        "Aquí estarán los eventos y las decisiones de este cliente.";
    RULES_ASKED = "{} rules were asked", "se preguntó a {} reglas";
    SEND_N = "send {}", "envío {}";
    WHAT_RULES_SAID = "What every rule said", "Qué dijo cada regla";
    RULE = "rule", "regla";
    SAID = "said", "dijo";
    WHY = "why", "por qué";
    COUNTED = "counted", "contados";
    LIMIT = "limit", "límite";
    EARLIEST = "earliest", "lo antes posible";
    // Sends.
    SEND = "send", "envío";
    NO_SENDS = "No such send was found", "No se encontró ningún envío así";
    NO_SENDS_ADVICE =
        "Change the filters, or look further back if there is a link for it.",
        "Cambie los filtros o siga buscando hacia atrás si hay un enlace.";
    LOOKED_BACK_TO = "Looked back to", "Se ha buscado hasta";
    ANY = "any", "cualquiera";
    DECIDED_AT = "decided", "decidido";
    GOES_ON_AT = "goes on", "continúa";
    MESSAGE_CLASS = "message class", "clase de mensaje";
    TEMPLATE = "template", "plantilla";
    ATTEMPTS = "attempts", "intentos";
    REPLY = "reply", "respuesta";
    POLICY_N = "policy version {}", "versión {} de la política";
    DECISIONS = "Decisions", "Decisiones";
    SEND_AGAIN = "Send it again", "Enviarlo de nuevo";
    SEND_AGAIN_MEANS =
        "A new send of the same message passes all rules again.",
        "Un nuevo envío del mismo mensaje pasa de nuevo por todas las reglas.";
    MAY_ARRIVE_TWICE =
        "Nobody knows whether it arrived: the customer may get it twice.",
        "Nadie sabe si llegó: el cliente puede recibirlo dos veces.";
    REPEATED_BY = "repeated by", "repetido por";
    // Why not.
    WHY_ASK = "Whom do you ask about?", "¿Por quién pregunta?";
    WHY_ASK_ADVICE =
        "Name a customer, and a journey if you like: here stands what was decided, and what the \
         rules would say now.",
        "Indique un cliente y, si quiere, un recorrido: aquí verá qué se decidió y qué dirían \
         las reglas ahora.";
    ALL_JOURNEYS = "all journeys", "todos los recorridos";
    WHOLE_TIMELINE = "The whole timeline", "La cronología completa";
    STANDS_ON = "Stands on step {}:", "Está en el paso {}:";
    NOT_IN_JOURNEY = "Not in this journey now.", "No está en este recorrido ahora.";
    WHAT_WAS_DECIDED = "What was decided", "Qué se decidió";
    NOTHING_DECIDED =
        "Nothing was decided for this customer.",
        "No se decidió nada para este cliente.";
    IF_IT_WENT_NOW =
        "If a message came to its turn now (version {})",
        "Si a un mensaje le tocara ahora (versión {})";
    IF_NOW_MEANS =
        "Asked now, with what is counted now. Nothing is sent or reserved by asking.",
        "Se pregunta ahora, con lo contado hasta ahora. Preguntar no envía ni reserva nada.";
    BY_RULE = "by rule {}", "por la regla {}";
    // Messages.
    NO_CAPTURE = "No channel captures messages", "Ningún canal captura mensajes";
    NO_CAPTURE_ADVICE =
        "A channel with `capture` keeps its messages instead of sending them, for trials.",
        "Un canal con `capture` guarda sus mensajes en lugar de enviarlos, para pruebas.";
    NO_MESSAGES = "No message so far", "Ningún mensaje hasta ahora";
    NO_MESSAGES_ADVICE =
        "Send an event that enters a journey, or wait for the next step.",
        "Envíe un evento que entre en un recorrido, o espere al siguiente paso.";
    MESSAGE_GONE = "The message is not kept", "El mensaje no se guarda";
    MESSAGE_GONE_ADVICE =
        "A channel that captures keeps its newest messages, until the server ends.",
        "Un canal que captura guarda sus últimos mensajes, hasta que el servidor termina.";
    CAPTURED_SINCE = "{} captured since the start", "{} capturados desde el inicio";
    MESSAGE = "message", "mensaje";
    MESSAGE_N = "Message {}", "Mensaje {}";
    TO = "to", "para";
    PLAIN_TEXT = "Text", "Texto";
    HTML_OF_MESSAGE = "HTML of the message", "HTML del mensaje";
    ALL = "all", "todos";
    // Events.
    EVENTS_MEANS =
        "The newest events, as they came in. Rejected ones are always kept, accepted ones while \
         somebody looks.",
        "Los últimos eventos, como llegaron. Los rechazados se guardan siempre; los aceptados, \
         mientras alguien mira.";
    NO_EVENTS = "No event since you look", "Ningún evento desde que mira";
    NO_EVENTS_ADVICE =
        "Send one: the guide \"send events\" shows how. It appears here within seconds.",
        "Envíe uno: la guía \"send events\" muestra cómo. Aparece aquí en segundos.";
    SHOWN = "Shown", "Se muestran";
    ONLY_REJECTED = "rejected ones", "los rechazados";
    RESULT = "result", "resultado";
    EVENT = "event", "evento";
    AS_IT_CAME = "as it came", "como llegó";
    // Definitions.
    NO_DOCUMENT = "No such document is published", "No hay tal documento publicado";
    NO_DEFINITIONS = "Nothing is published", "No hay nada publicado";
    REVISION_N = "revision {}", "revisión {}";
    NAME = "name", "nombre";
    WHAT_WAS_APPLIED = "What was applied", "Qué se aplicó";
    NOTHING_APPLIED = "No change is remembered.", "No se recuerda ningún cambio.";
    NOT_READABLE =
        "This row cannot be read by this version.",
        "Esta versión no puede leer esta fila.";
    AND_SO_MANY_MORE = "and {} more", "y {} más";
    COMPARE_WITH = "Compare with", "Comparar con";
    NOTHING = "nothing", "nada";
    DIFFERENCE = "Difference", "Diferencia";
    NO_DIFFERENCE = "They are the same", "Son iguales";
    NO_DIFFERENCE_ADVICE = "Choose two different versions.", "Elija dos versiones distintas.";
    // System.
    PROGRAM = "program", "programa";
    CLOCK = "clock", "reloj";
    REPLAYED = "moved by recorded events", "movido por eventos grabados";
    LAG = "Work under way", "Trabajo en curso";
    QUEUED = "waiting for the committer", "esperan su confirmación";
    UNKNOWN_SENDS = "sends with unknown outcome", "envíos de resultado desconocido";
    TIMERS = "timers", "temporizadores";
    IN_MEMORY = "customers in memory", "clientes en memoria";
    NO_ROOM = "refused for want of room", "rechazados por falta de sitio";
    STORE = "Store", "Almacén";
    ON_DISK = "on disk", "en disco";
    JOURNAL = "of it journal", "de ello diario";
    COMMITS = "commits", "confirmaciones";
    TRANSACTIONS = "transactions", "transacciones";
    COMMIT_MEAN = "a commit, on average", "una confirmación, de media";
    COMMIT_MOST = "the longest one", "la más larga";
    CHANNELS = "Channels", "Canales";
    NO_CHANNELS = "No channel is published", "No hay canales publicados";
    AUDIENCES = "Audiences", "Audiencias";
    AUDIENCE = "audience", "audiencia";
    FOLDER = "folder", "carpeta";
    LAST_EXPORT = "last export", "última exportación";
    MEMBERS = "members", "miembros";
    MEMBER_UNTIL = "until", "hasta";
    ADDRESS = "address in trait", "dirección en el rasgo";
    RATE = "rate limit", "límite de ritmo";
    PARTITIONS = "Partitions", "Particiones";
    PARTITION = "partition", "partición";
    SO_MANY_PARTITIONS = "{} partitions", "{} particiones";
    SEQUENCE = "sequence", "secuencia";
    SETTINGS = "Settings", "Ajustes";
    NO_SECRETS = "Secrets are left out.", "Los secretos se omiten.";
    NO_SETTINGS =
        "This process was started without settings.",
        "Este proceso se inició sin ajustes.";
    // Access.
    NO_TOKENS = "There is no token", "No hay tokens";
    NO_TOKENS_ADVICE =
        "Programs that use the API, and applications that send events, need one.",
        "Los programas que usan la API y las aplicaciones que envían eventos necesitan uno.";
    NEW_TOKEN = "New token", "Nuevo token";
    MAKE_TOKEN = "Make the token", "Crear el token";
    SCOPES = "scopes", "permisos";
    SCOPES_OF_API =
        "Scopes (a write key has `ingest` alone)",
        "Permisos (una clave de escritura solo tiene `ingest`)";
    EXPIRES = "expires", "caduca";
    EXPIRES_IN_DAYS =
        "Days until it expires (API token)",
        "Días hasta que caduca (token de API)";
    CREATED = "made", "creado";
    ACTIONS = "actions", "acciones";
    ROTATE = "Rotate", "Rotar";
    REVOKE = "Revoke", "Revocar";
    REVOKE_MEANS =
        "It ends at once, and cannot come back.",
        "Termina de inmediato y no puede volver.";
    SHOWN_ONCE =
        "This is shown once. Keep it now.",
        "Esto se muestra una sola vez. Guárdelo ahora.";
    NO_USERS = "There is no user", "No hay usuarios";
    NO_USERS_ADVICE =
        "You came in by the one-time link. Make a user for yourself first.",
        "Entró por el enlace de un solo uso. Cree primero un usuario para usted.";
    NEW_USER = "New user", "Nuevo usuario";
    MAKE_USER = "Make the user", "Crear el usuario";
    ROLE = "role", "rol";
    ROLE_OF = "role of {}", "rol de {}";
    CHANGE_ROLE = "Change role", "Cambiar rol";
    LOGS_IN_BY = "logs in by", "entra con";
    NEW_PASSWORD = "New password", "Nueva contraseña";
    NEW_PASSWORD_MEANS =
        "The server chooses one. The old one and all sessions end at once.",
        "El servidor elige una. La anterior y todas las sesiones terminan de inmediato.";
    PASSWORD_IS_CHOSEN =
        "The server chooses the password and shows it once.",
        "El servidor elige la contraseña y la muestra una vez.";
    DISABLE = "Disable", "Desactivar";
    DISABLE_MEANS =
        "All sessions of this user end at once, until the user is enabled again.",
        "Todas sus sesiones terminan de inmediato, hasta que se active de nuevo.";
    ENABLE = "Enable", "Activar";
    WHO = "who", "quién";
    TARGET = "on what", "sobre qué";
    BEFORE = "before", "antes";
    AFTER = "after", "después";
    NO_AUDIT_ADVICE = "Every change will stand here.", "Aquí estará cada cambio.";
}

/// What themes are called, in their order.
pub(super) const THEMES: [Text; 3] = [THEME_SYSTEM, THEME_LIGHT, THEME_DARK];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_in_every_language_with_the_same_values() {
        for text in EVERY_TEXT {
            for language in Language::ALL {
                assert!(!text.of(language).trim().is_empty(), "{text:?}");
            }
            assert_eq!(text.en.matches("{}").count(), text.es.matches("{}").count(), "{text:?}");
        }
    }
}
