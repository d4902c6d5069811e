//! Texts of tokens, users and the audit log.

super::texts! {
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
    DELETE = "Delete", "Eliminar";
    DELETE_MEANS =
        "The user is forgotten and all sessions end. The audit log keeps the name. Whom an \
         identity provider vouches for comes back at the next login: disable instead.",
        "Se olvida al usuario y terminan sus sesiones. La auditoría conserva el nombre. Quien \
         entra con un proveedor de identidad vuelve al entrar: desactívelo en su lugar.";
    ACCOUNT = "Your account", "Su cuenta";
    OLD_PASSWORD = "Old password", "Contraseña anterior";
    NEW_PASSWORD_AGAIN = "New password, once more", "Nueva contraseña, otra vez";
    CHANGE_PASSWORD = "Change the password", "Cambiar la contraseña";
    OWN_PASSWORD_MEANS =
        "At least {} characters. All your other sessions end.",
        "Al menos {} caracteres. Terminan todas sus otras sesiones.";
    PASSWORD_CHANGED =
        "The password is changed. All your other sessions have ended.",
        "La contraseña está cambiada. Todas sus otras sesiones han terminado.";
    PASSWORDS_DIFFER =
        "The new password was not the same both times",
        "La nueva contraseña no era igual las dos veces";
    OLD_PASSWORD_WRONG = "The old password is wrong", "La contraseña anterior no es correcta";
    NO_OWN_PASSWORD =
        "You came in without a password of this server, so there is none to change.",
        "Entró sin contraseña de este servidor, así que no hay ninguna que cambiar.";
    WHO = "who", "quién";
    TARGET = "on what", "sobre qué";
    BEFORE = "before", "antes";
    AFTER = "after", "después";
    NO_AUDIT_ADVICE = "Every change will stand here.", "Aquí estará cada cambio.";
}
