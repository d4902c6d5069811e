//! Texts of definitions and of the system.

super::texts! {
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
}
