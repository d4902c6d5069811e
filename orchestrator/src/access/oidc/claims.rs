//! What an ID token must say before it is believed. The signature has been checked by then.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Client;
use crate::access::scope::Role;
use crate::access::secret;

/// How far the provider's clock may be off, in seconds.
const LEEWAY_SECONDS: i64 = 60;
/// Longest subject in bytes: OpenID Connect's own limit.
const SUBJECT_BYTES_MAX: usize = 255;
/// Longest name that is shown of a person, in characters.
const LABEL_CHARS_MAX: usize = 100;

/// Claims of an ID token.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: f64,
    iat: f64,
    nbf: Option<f64>,
    azp: Option<String>,
    nonce: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Whom a provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider's name of her, that never changes.
    pub subject: String,
    /// What to call her.
    pub label: Option<String>,
    /// The highest role that the provider's words give her.
    pub role: Role,
}

/// Whom these claims are about.
///
/// # Errors
/// What is wrong with them.
pub(super) fn check(
    claims: Claims,
    client: &Client,
    nonce: &str,
    now_s: i64,
) -> Result<Identity, String> {
    let wrong = |what: &str| Err(format!("the identity token {what}"));
    if claims.iss != client.issuer {
        return wrong("is of another issuer");
    }
    let (for_us, several) = match &claims.aud {
        Audience::One(one) => (*one == client.id, false),
        Audience::Several(all) => (all.contains(&client.id), all.len() > 1),
    };
    if !for_us {
        return wrong("is for somebody else");
    }
    if claims.azp.as_ref().map_or(several, |azp| *azp != client.id) {
        return wrong("was made for another client");
    }
    let now = now_s as f64;
    let leeway = LEEWAY_SECONDS as f64;
    if claims.exp + leeway <= now {
        return wrong("has expired");
    }
    if claims.iat - leeway > now || claims.nbf.is_some_and(|nbf| nbf - leeway > now) {
        return wrong("is of the future");
    }
    if !claims.nonce.is_some_and(|said| secret::same(&said, nonce)) {
        return wrong("belongs to another login");
    }
    if claims.sub.is_empty()
        || claims.sub.len() > SUBJECT_BYTES_MAX
        || claims.sub.chars().any(char::is_control)
    {
        return wrong("has a subject that cannot be used");
    }
    let Some(role) = role(client, claims.others.get(&client.role_claim)) else {
        return Err("the identity provider gives this person no role here".to_owned());
    };
    let label = ["preferred_username", "email", "name"]
        .into_iter()
        .find_map(|name| claims.others.get(name)?.as_str())
        .map(|label| {
            label.chars().filter(|c| !c.is_control()).take(LABEL_CHARS_MAX).collect::<String>()
        });
    Ok(Identity { subject: claims.sub, label, role })
}

/// The highest role that one of the claim's values gives.
fn role(client: &Client, claim: Option<&Value>) -> Option<Role> {
    let values: Vec<&str> = match claim? {
        Value::String(one) => vec![one.as_str()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let given = |(role, names): &(Role, Vec<String>)| {
        names.iter().any(|name| values.contains(&name.as_str())).then_some(*role)
    };
    client.roles.iter().filter_map(given).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW_S: i64 = 1_800_000_000;

    fn client() -> Client {
        Client {
            issuer: "https://id.example.com".to_owned(),
            id: "cadencia".to_owned(),
            secret: None,
            redirect_uri: String::new(),
            scopes: String::new(),
            role_claim: "groups".to_owned(),
            roles: vec![
                (Role::Admin, vec!["admins".to_owned()]),
                (Role::Viewer, vec!["everybody".to_owned(), "staff".to_owned()]),
            ],
        }
    }

    /// Good claims with some replaced (null removes one).
    fn checked(changes: Value) -> Result<Identity, String> {
        let mut claims = json!({
            "iss": "https://id.example.com", "sub": "u1", "aud": "cadencia",
            "exp": NOW_S + 300, "iat": NOW_S, "nonce": "n", "groups": ["staff"],
            "email": "ann@example.com",
        });
        let all = claims.as_object_mut().expect("an object");
        for (name, value) in changes.as_object().expect("an object") {
            match value {
                Value::Null => drop(all.remove(name)),
                value => drop(all.insert(name.clone(), value.clone())),
            }
        }
        let claims = serde_json::from_value(claims).map_err(|error| error.to_string())?;
        check(claims, &client(), "n", NOW_S)
    }

    #[test]
    fn good_claims_say_who_it_is() {
        let who = checked(json!({})).expect("all is good");
        assert_eq!((who.subject.as_str(), who.role), ("u1", Role::Viewer));
        assert_eq!(who.label.as_deref(), Some("ann@example.com"));
        for good in [
            json!({"aud": ["cadencia"]}),
            json!({"aud": ["cadencia", "other"], "azp": "cadencia"}),
            json!({"exp": NOW_S - 59}),
            json!({"iat": NOW_S + 60}),
            json!({"groups": "staff"}),
        ] {
            assert!(checked(good.clone()).is_ok(), "{good}");
        }
        let admin = checked(json!({"groups": ["x", "staff", "admins"]})).expect("all is good");
        assert_eq!(admin.role, Role::Admin);
    }

    #[test]
    fn each_bad_claim_is_refused() {
        for bad in [
            json!({"iss": "https://evil.example.com"}),
            json!({"iss": "https://id.example.com/"}),
            json!({"iss": null}),
            json!({"aud": "other"}),
            json!({"aud": []}),
            json!({"aud": ["cadencia", "other"]}),
            json!({"azp": "other"}),
            json!({"exp": NOW_S - 60}),
            json!({"exp": null}),
            json!({"iat": NOW_S + 61}),
            json!({"nbf": NOW_S + 61}),
            json!({"nonce": "m"}),
            json!({"nonce": null}),
            json!({"sub": ""}),
            json!({"sub": "x".repeat(256)}),
            json!({"sub": "a\nb"}),
            json!({"groups": null}),
            json!({"groups": []}),
            json!({"groups": {"admins": true}}),
            json!({"groups": ["strangers"]}),
        ] {
            assert!(checked(bad.clone()).is_err(), "{bad} was let through");
        }
    }
}
