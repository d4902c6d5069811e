//! Mapping files that are refused, with all their problems.

use std::path::Path;

use cadencia::import::Mapping;

fn problems(spec: &str) -> String {
    let text = format!(
        "apiVersion: cadencia/v1\nkind: ImportMapping\nmetadata: {{name: shop}}\nspec:\n{spec}"
    );
    Mapping::parse(&text, Path::new(".")).expect_err("a problem").to_string()
}

#[test]
fn unknown_keys_are_told_with_their_place() {
    let message = problems("  format: {csv: {}}\n  recods: []\n");
    assert!(message.contains("recods") && message.contains("line 6"), "{message}");
    let message = problems("  format: {excel: {}}\n");
    assert!(message.contains("excel"), "{message}");
}

#[test]
fn all_problems_are_told_at_once() {
    let message = problems(
        "  format: {csv: {delimiter: '::'}}
  tables: {zones: {file: nowhere.csv, key: a, value: b}}
  records:
    - event:
        name: {literal: Order, column: Name}
        where: [{column: A}, {column: B, above: many}]
        customer: {template: '{User'}
        at: {column: At, format: '%Y', zone: Europe/Lodon}
        properties:
          total: {sum: {product: [A]}}
          zone: {column: C, lookup: zone}
    - customer:
        id: {column: U}
        consent: [{granted: {literal: perhaps}}]
",
    );
    for part in [
        "spec.format.csv.delimiter: expected one ASCII character",
        "spec.tables.zones: nowhere.csv: ",
        "spec.records[0].event.name: exactly one of",
        "spec.records[0].event.where[0]: exactly one comparison is needed",
        "spec.records[0].event.where[1]: not a decimal number",
        "spec.records[0].event.customer.template: a brace without its counterpart",
        "spec.records[0].event.at.zone: unknown time zone `Europe/Lodon` (did you mean",
        "spec.records[0].event: nothing identifies a line (name its columns in `row_key`",
        "spec.records[0].event.properties.total: `sum` and `count` need a `group`",
        "spec.records[0].event.properties.zone.lookup: unknown table `zone` (did you mean `zones`",
        "spec.records[1].customer.consent[0].granted.literal: expected true or false",
    ] {
        assert!(message.contains(part), "{part}\nis not in\n{message}");
    }
}

#[test]
fn a_mapping_must_do_something() {
    assert!(problems("  format: {csv: {}}\n").contains("no record"));
    let message = problems(
        "  format: {segment: {}}
  records: [{customer: {id: {column: U}}}]
",
    );
    assert!(message.contains("has its own records"), "{message}");
}
