//! The table of errors in Spanish, for the console: of each code its title and its advice. Files,
//! logs and the API say the English ones.

/// Code, title, advice.
#[rustfmt::skip]
static SPANISH: &[(&str, &str, &str)] = &[
    // Definitions.
    ("CAD-1001", "la definición no es válida",
        "corrija los lugares de `errors` y valide de nuevo"),
    ("CAD-1002", "la definición tiene una clave que no se conoce",
        "corrija la ortografía o quite la clave; `cadencia schema` muestra las claves"),
    ("CAD-1003", "la expresión no se puede usar",
        "corrija la expresión en el lugar indicado"),
    ("CAD-1004", "la plantilla no se puede usar",
        "corrija la plantilla en el lugar indicado"),
    ("CAD-1005", "el archivo no se puede leer como YAML",
        "corrija el archivo en la línea y columna indicadas"),
    ("CAD-1006", "el documento tiene un kind o un apiVersion desconocidos",
        "use `apiVersion: cadencia/v1` y uno de los tipos indicados"),
    ("CAD-1007", "dos definiciones de un tipo tienen el mismo nombre",
        "cambie el nombre de una de ellas"),
    ("CAD-1008", "la definición se refiere a algo que no existe",
        "añada la definición que falta o corrija el nombre"),
    ("CAD-1009", "la definición es mayor de lo que permite un límite",
        "divida el recorrido o acorte la parte indicada"),
    ("CAD-1010", "la versión no puede hacerse cargo de las inscripciones en curso",
        "corrija `migrate` o deje las inscripciones en su versión"),
    // Events that come in.
    ("CAD-2001", "el cuerpo no es JSON válido",
        "envíe un objeto JSON, en UTF-8"),
    ("CAD-2002", "no se conoce el tipo de contenido o la codificación",
        "envíe application/json, sin comprimir o con gzip"),
    ("CAD-2003", "la petición es demasiado grande",
        "envíe lotes más pequeños"),
    ("CAD-2004", "el evento es demasiado grande",
        "envíe menos en propiedades y rasgos"),
    ("CAD-2005", "el lote tiene demasiados eventos",
        "divida el lote"),
    ("CAD-2006", "el evento no nombra a ningún cliente",
        "indique userId o anonymousId"),
    ("CAD-2007", "la hora no se puede leer",
        "envíe RFC 3339 con desfase, como 2026-03-01T09:30:00Z"),
    ("CAD-2008", "el id del mensaje no se puede usar",
        "envíe un texto dentro del límite de longitud, o ninguno"),
    ("CAD-2009", "no se conoce el tipo del evento",
        "use uno de los tipos de la API de eventos"),
    ("CAD-2010", "el evento track no tiene nombre",
        "ponga en event un texto que no esté vacío"),
    ("CAD-2011", "el campo tiene otro tipo o no se puede usar",
        "corrija el campo indicado"),
    ("CAD-2012", "falta la clave de escritura o no se conoce",
        "envíe una clave de escritura como usuario de la autenticación Basic"),
    ("CAD-2013", "el servidor no admite más entradas por el momento",
        "envíe la misma petición de nuevo pasados los segundos de Retry-After"),
    // The store.
    ("CAD-3001", "el almacén no puede escribir",
        "envíe la petición más tarde; mire el registro del servidor y su disco"),
    ("CAD-3002", "el servidor se está cerrando",
        "envíe la petición de nuevo; responderá otro proceso"),
    ("CAD-3003", "el servidor aún se está cargando",
        "envíe la petición de nuevo pasados los segundos de Retry-After"),
    ("CAD-3004", "otro proceso usa el almacén",
        "detenga el otro proceso o use otro directorio de datos"),
    ("CAD-3005", "el almacén está dañado",
        "no borre nada; restaure una copia o pida ayuda con el mensaje"),
    ("CAD-3006", "una versión más nueva escribió el almacén",
        "use esa versión o una posterior"),
    ("CAD-3007", "el almacén tiene otro número de particiones",
        "ponga el número con el que se creó el almacén"),
    ("CAD-3008", "el almacén ha perdido confirmaciones que se dieron por hechas",
        "restaure el directorio de datos entero, nunca partes"),
    ("CAD-3009", "una confirmación no terminó a tiempo",
        "mire el disco; arranque el servidor de nuevo"),
    ("CAD-3010", "lo que se sabe de un cliente es demasiado grande",
        "no envíe nada más de este cliente; averigüe quién hizo tantos permisos para él"),
    // Resources and operations.
    ("CAD-4001", "no hay nada en esta dirección",
        "compare la ruta con la referencia de la API"),
    ("CAD-4002", "este método no está permitido aquí",
        "use uno de los métodos de Allow"),
    ("CAD-4003", "el parámetro no se puede usar",
        "corrija el parámetro indicado"),
    ("CAD-4004", "el recorrido no se conoce",
        "vea los recorridos con `cadencia journeys`"),
    ("CAD-4005", "el cliente no se conoce",
        "compruebe el id; los clientes anónimos empiezan por `anon:`"),
    ("CAD-4006", "el canal no se conoce",
        "compare el nombre con las definiciones aplicadas"),
    ("CAD-4007", "el plan ya no es actual",
        "haga un plan nuevo, léalo y aplíquelo"),
    ("CAD-4008", "la operación no cabe en el estado actual",
        "mire el estado actual y decida de nuevo"),
    ("CAD-4009", "el enlace no es válido",
        "use el enlace del mensaje más nuevo"),
    ("CAD-4010", "falta la credencial o no es válida",
        "envíe un token con la autenticación Bearer, o entre"),
    ("CAD-4011", "el servidor cometió un error",
        "informe de las líneas del registro con esta instancia"),
    ("CAD-4012", "la credencial no lo permite",
        "use una credencial con el permiso indicado o pídalo a un administrador"),
    ("CAD-4013", "la petición viene de otro sitio",
        "use la página de este servidor; los programas envían un token en lugar de una cookie"),
    ("CAD-4014", "se intentó entrar demasiadas veces",
        "inténtelo de nuevo pasados los segundos de Retry-After"),
    ("CAD-4015", "el nombre o la contraseña no son correctos",
        "inténtelo de nuevo o pida una contraseña nueva a un administrador"),
    ("CAD-4016", "el usuario o el token no se conoce",
        "véalos con `cadencia users list` y `cadencia tokens list`"),
    ("CAD-4017", "el proveedor de identidad no se puede usar",
        "inténtelo más tarde; un operador compara los ajustes con el proveedor"),
    ("CAD-4018", "la respuesta del proveedor de identidad no se acepta",
        "entre de nuevo; un administrador mira los roles de los ajustes"),
    ("CAD-4019", "el envío no se conoce",
        "compruebe el id; `cadencia sends list` muestra los ids de los envíos"),
    ("CAD-4020", "el envío puede haber llegado",
        "pregunte al receptor; si dos veces es mejor que ninguna, dígalo al enviarlo de nuevo"),
    ("CAD-4021", "el cursor no se puede usar",
        "use `next_cursor` de la página anterior con los mismos filtros, o empiece sin cursor"),
    ("CAD-4022", "la clave de idempotencia es de otra petición",
        "use una clave nueva para otra petición; repita una petición con su clave y sin cambios"),
    ("CAD-4023", "no se conoce la respuesta a esta clave de idempotencia",
        "mire qué fue de la primera petición; use una clave nueva si hay que hacerla otra vez"),
    ("CAD-4024", "la definición no está publicada",
        "vea lo publicado con `GET /api/v1/definitions`"),
    ("CAD-4025", "la inscripción no se conoce",
        "mire el cliente: una inscripción que terminó está en su cronología"),
    ("CAD-4026", "el informe no está firmado por el proveedor del canal",
        "compare el auth token y `public_url` con lo que tiene el proveedor"),
    // Data files.
    ("CAD-5001", "la fila no se importó",
        "corrija las filas del archivo de rechazos e impórtelo de nuevo"),
    ("CAD-5002", "el archivo de correspondencias no es válido",
        "corrija la correspondencia en el lugar indicado"),
    ("CAD-5003", "el archivo de entrada no se puede leer",
        "compruebe la ruta, los permisos y si el archivo está entero"),
    ("CAD-5004", "la salida no se puede escribir",
        "compruebe el directorio, sus permisos y el espacio libre"),
    // Sending.
    ("CAD-6001", "el servidor de correo rechazó el mensaje definitivamente",
        "lea la respuesta; corrija la dirección o el remitente"),
    ("CAD-6002", "el servidor de correo rechazó el mensaje por ahora",
        "nada: se intenta de nuevo mientras sea válido"),
    ("CAD-6003", "no se llega al servidor de correo",
        "compruebe host, puerto y red; se intenta de nuevo"),
    ("CAD-6004", "el servidor de correo respondió algo que no es SMTP",
        "compruebe que host y puerto son de un servidor de correo"),
    ("CAD-6005", "el servidor de correo rechazó las credenciales",
        "corrija usuario y contraseña del canal"),
    ("CAD-6006", "no hay conexión segura con el servidor de correo",
        "compruebe el certificado, su nombre y el modo TLS del canal"),
    ("CAD-6007", "nadie sabe si se aceptó el mensaje",
        "busque el Message-ID en el registro del servidor de correo"),
    ("CAD-6008", "el mensaje no se pudo componer",
        "corrija la plantilla o dé al valor uno por defecto"),
    ("CAD-6009", "la dirección del cliente no se puede usar",
        "corrija la dirección en su origen"),
    // Start and configuration.
    ("CAD-7001", "la configuración no es válida",
        "corrija el ajuste indicado"),
    ("CAD-7002", "el puerto está en uso",
        "detenga el otro proceso o elija otro puerto"),
    ("CAD-7003", "la clave o el certificado no se pueden leer",
        "compruebe la ruta, los permisos y el formato"),
    ("CAD-7004", "no se llega al servidor",
        "arránquelo o corrija la dirección"),
    ("CAD-7005", "el directorio de datos no se puede usar",
        "compruebe la ruta, su propietario y el espacio libre"),
];

/// Title and advice of a code in Spanish. A test sees that every code has them.
pub fn spanish(code: &str) -> Option<(&'static str, &'static str)> {
    SPANISH.iter().find(|(known, ..)| *known == code).map(|(_, title, advice)| (*title, *advice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::TABLE;

    #[test]
    fn every_error_is_said_in_spanish_once() {
        for (row, said) in TABLE.iter().zip(SPANISH) {
            assert_eq!(row.code, said.0, "the codes stand in the order of the table");
        }
        assert_eq!(TABLE.len(), SPANISH.len());
    }

    #[test]
    fn what_is_to_be_typed_is_the_same_in_both_languages() {
        let typed =
            |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        for row in &TABLE {
            let (title, advice) = spanish(row.code).expect("it is said");
            assert_eq!(typed(row.title), typed(title), "{}", row.code);
            assert_eq!(typed(row.advice), typed(advice), "{}", row.code);
        }
    }
}
