//! The whole way of a marketer through the console, on a server that is killed and started again
//! meanwhile.

use super::Site;

#[tokio::test]
async fn a_marketer_goes_her_way_while_the_server_is_killed_and_started_again() {
    let mut site = Site::empty();
    site.publish();
    site.batch(super::events()).await;
    site.run("proof.mjs");
}
