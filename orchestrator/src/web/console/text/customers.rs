//! Texts of customers, their sends, their messages and their events.

super::texts! {
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
    // Audiences.
    AUDIENCE = "audience", "audiencia";
    NO_AUDIENCES = "No audience is published", "No hay audiencias publicadas";
    NO_AUDIENCES_ADVICE =
        "A channel with `audience` mirrors customers to an advertising platform.",
        "Un canal con `audience` refleja clientes en una plataforma de anuncios.";
    FOLDER = "folder", "carpeta";
    LAST_EXPORT = "last export", "última exportación";
    MEMBERS_EXPORTED = "members exported", "miembros exportados";
    MEMBERS_NOW = "Members now", "Miembros ahora";
    MEMBER_UNTIL = "until", "hasta";
    EXPORTED_AS = "exported, hashed", "se exporta, con hash";
    EXPORT_NOW = "Export now", "Exportar ahora";
    NO_MEMBERS = "Nobody is a member", "Nadie es miembro";
    NO_MEMBERS_ADVICE =
        "Customers join by a step `audience`, if they gave consent.",
        "Los clientes entran por un paso `audience`, si dieron su consentimiento.";
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
}
