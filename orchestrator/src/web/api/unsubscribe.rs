//! One-click unsubscription (RFC 8058): `POST /u/TOKEN` withdraws consent at once, without cookie
//! or login; `GET` only shows a page with the button, because scanners follow links.

use actix_web::{HttpResponse, get, post, web};
use channels::unsubscribe::Claim;
use domain::consent::{ConsentChange, Permission};
use domain::event::{Event, EventBody};
use maud::{DOCTYPE, Markup, html};
use runtime::Lane;

use super::tracking::not_durable;
use crate::web::Site;

fn page(title: &str, body: &Markup) -> HttpResponse {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) }
            }
            body { h1 { (title) } (body) }
        }
    };
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page.into_string())
}

/// The page that a person sees. The same for every token, so that it tells nobody whether one is
/// good.
#[get("/u/{token}")]
pub(crate) async fn ask(token: web::Path<String>) -> HttpResponse {
    let action = format!("/u/{token}");
    let form = html! {
        p { "You will get no more messages of this kind." }
        form method="post" action=(action) { button type="submit" { "Unsubscribe" } }
    };
    page("Unsubscribe", &form)
}

/// Withdraws the consent that the token names. A bad token gets the same answer as a good one.
#[post("/u/{token}")]
pub(crate) async fn withdraw(site: web::Data<Site>, token: web::Path<String>) -> HttpResponse {
    if let Ok(claim) = site.keys.verify(&token) {
        let whose = [claim.customer.clone()];
        let event = event(&site, claim);
        let durable = match site.directory.ingest(vec![event], Lane::Transactional) {
            Ok(answer) => answer.await.is_ok(),
            Err(_) => false,
        };
        if !durable {
            return not_durable(&site, &whose);
        }
    }
    page("You are unsubscribed", &html! { p { "It may take a moment until it takes effect." } })
}

fn event(site: &Site, claim: Claim) -> Event {
    let now = site.now();
    Event {
        // Who has given consent again may withdraw it again by the same link: no repeat is dropped.
        message_id: format!("unsubscribe/{}/{}", claim.send, now.0),
        customer: claim.customer,
        occurred_at: now,
        received_at: now,
        body: EventBody::Consent(ConsentChange {
            channel: Some(claim.channel),
            topic: claim.topic,
            permission: Permission::Denied,
            source: "unsubscribe-link".to_owned(),
        }),
    }
}
