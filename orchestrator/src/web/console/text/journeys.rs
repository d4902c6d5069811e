//! Texts of the overview, of journeys and of campaigns.

super::texts! {
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
    HOW_FAR_BEHIND = "How far behind", "Cuánto retraso";
    OVER_SECONDS = "Over the last {} s.", "En los últimos {} s.";
    MEASURED = "what", "qué";
    LATENESS = "lateness of timers", "retraso de los temporizadores";
    COMMIT_TIME = "time of a commit", "duración de una confirmación";
    HALF_WITHIN = "half within", "la mitad en";
    MOST_WITHIN = "99 of 100 within", "99 de 100 en";
    ALL_WITHIN = "all within", "todos en";
    HOW_MANY = "how many", "cuántos";
    BEYOND = "more than is measured", "más de lo que se mide";
    TIMERS_DUE =
        "Timers that are due and have not fired: {}.",
        "Temporizadores vencidos y aún sin disparar: {}.";
    TIMERS_LATE_MEANS =
        "Timers are late: messages go later than they should. Look at the load and at the disk.",
        "Los temporizadores van con retraso: los mensajes salen tarde. Mire la carga y el disco.";
    COMMITS_SLOW_MEANS =
        "Commits are slow: senders of events wait. Look at the disk.",
        "Las confirmaciones son lentas: quienes envían eventos esperan. Mire el disco.";
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
}
