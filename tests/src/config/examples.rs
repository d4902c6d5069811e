//! Every campaign directory that we ship is without problems.

use std::fs;

use cadencia::config::load_directory;
use domain::journey::steps::Step;

use super::examples;

#[test]
fn every_example_is_without_problems() {
    let mut seen = 0;
    for entry in fs::read_dir(examples()).expect("there are examples") {
        let path = entry.expect("the entry can be read").path();
        if !path.is_dir() {
            continue;
        }
        let loaded = load_directory(&path);
        assert!(loaded.report.is_empty(), "{}", loaded.report.render(false));
        assert!(loaded.definitions.is_some(), "{}", path.display());
        seen += 1;
    }
    assert!(seen > 0, "no example was read");
}

#[test]
fn the_shop_is_what_its_files_say() {
    let loaded = load_directory(&examples().join("shop"));
    let shop = loaded.definitions.expect("the shop is valid");
    let names: Vec<_> = shop.journeys.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["cart-rescue", "post-purchase", "welcome", "win-back"]);
    assert!(
        shop.templates["welcome-hello"].html.as_ref().is_some_and(|html| html.contains("<h1>"))
    );

    let rescue = &shop.journeys["cart-rescue"];
    let nodes: Vec<_> =
        rescue.nodes.iter().map(|node| format!("{} -> {:?}", node.id, node.next)).collect();
    assert_eq!(
        nodes,
        [
            "wait-1 -> Some(1)",
            "reminder -> Some(2)",
            "clicked -> Some(3)",
            "branch-1 -> Some(7)",
            "exit-1 -> Some(7)",
            "send-2 -> Some(7)",
            "send-3 -> Some(7)",
            "wait-3 -> Some(8)",
            "audience-1 -> None",
        ]
    );
    let Step::Branch(branch) = &rescue.nodes[3].step else { panic!("node 3 is the branch") };
    let firsts: Vec<_> = branch.arms.iter().map(|(_, first)| *first).collect();
    assert_eq!(firsts, [Some(4), Some(5)]);
    assert_eq!(branch.otherwise, Some(6));
}
