//! What each person sees and does.

use super::Site;

#[tokio::test]
async fn every_page_opens_cleanly_and_passes_axe_in_light_and_dark() {
    Site::open().await.run("pages.mjs");
}

#[tokio::test]
async fn everything_is_reached_by_keyboard_and_the_language_is_kept() {
    Site::open().await.run("keyboard.mjs");
}

#[tokio::test]
async fn the_numbers_of_the_pages_are_those_of_the_ledger() {
    Site::open().await.run("numbers.mjs");
}

#[tokio::test]
async fn buttons_do_what_the_api_does_and_leave_their_audit_rows() {
    Site::open().await.run("buttons.mjs");
}

#[tokio::test]
async fn every_form_is_clicked_and_does_what_it_says() {
    Site::open().await.run("forms.mjs");
}

#[tokio::test]
async fn nothing_english_is_left_in_the_spanish_pages() {
    Site::open().await.run("spanish.mjs");
}

#[tokio::test]
async fn personal_data_is_shown_only_to_roles_that_need_it() {
    Site::open().await.run("masked.mjs");
}

#[tokio::test]
async fn open_pages_outlive_the_server_and_follow_what_comes_in() {
    Site::open().await.run("live.mjs");
}
