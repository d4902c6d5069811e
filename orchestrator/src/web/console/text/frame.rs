//! Texts that stand around every page or on many: places, instants, counts.

super::texts! {
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
    AUDIENCES = "Audiences", "Audiencias";
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
    SPENT = "spent", "gastado";
    CAPTURED = "captured", "capturados";
    WITHOUT_ANSWER = "without an answer yet", "aún sin respuesta";
    NOT_DURABLE = "not on disk yet", "aún no en disco";
}
