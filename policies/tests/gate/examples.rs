//! The example files and the examples in the rules' documentation are policies.

use cadencia_policies::{ContactPolicy, PolicySet, RawContactPolicy, lint};
use serde::Deserialize;

use crate::fixture::{id, policy};

const FILES: [(&str, &str); 7] = [
    ("full", include_str!("../../examples/full.yaml")),
    ("two-a-week", include_str!("../../examples/two-a-week.yaml")),
    ("sms-with-care", include_str!("../../examples/sms-with-care.yaml")),
    ("us-sms", include_str!("../../examples/us-sms.yaml")),
    ("room-to-breathe", include_str!("../../examples/room-to-breathe.yaml")),
    ("by-tier", include_str!("../../examples/by-tier.yaml")),
    ("built-in-rules", include_str!("../../examples/built-in-rules.yaml")),
];

const DOCUMENTED: [(&str, &str); 9] = [
    ("suppression", include_str!("../../src/rules/suppression.rs")),
    ("consent", include_str!("../../src/rules/consent.rs")),
    ("quiet_hours", include_str!("../../src/rules/quiet_hours/mod.rs")),
    ("minimum_gap", include_str!("../../src/rules/minimum_gap.rs")),
    ("limit", include_str!("../../src/rules/frequency_cap/limit.rs")),
    ("weight", include_str!("../../src/rules/frequency_cap/weight.rs")),
    ("frequency_cap", include_str!("../../src/rules/frequency_cap/mod.rs")),
    ("scope", include_str!("../../src/rules/scope.rs")),
    ("yaml", include_str!("../../src/yaml.rs")),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: RawContactPolicy,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[test]
fn the_files_are_valid_and_raise_no_eyebrow() {
    for (name, text) in FILES {
        let document: Document = serde_saphyr::from_str(text).unwrap();
        assert_eq!(document.api_version, "cadencia/v1");
        assert_eq!(
            (document.kind.as_str(), document.metadata.name.as_str()),
            ("ContactPolicy", name)
        );
        let valid = document.spec.validate().unwrap();
        let merged = ContactPolicy::merge(&[valid]).unwrap();
        assert_eq!(lint(&merged), [], "{name}");
        if name != "full" {
            PolicySet::compile(&merged, 1, &id);
        }
    }
}

#[test]
fn the_documentation_shows_valid_policies() {
    for (name, source) in DOCUMENTED {
        let doc: Vec<&str> = source.lines().map_while(|line| line.strip_prefix("//!")).collect();
        let text = doc.join("\n");
        let blocks: Vec<&str> = text.split("```").collect();
        let yaml = blocks.iter().filter_map(|block| block.strip_prefix("yaml\n"));
        let mut count = 0;
        for block in yaml {
            let within_a_cap = |limit: &str| {
                let block = block.replace("\n ", "\n      ");
                format!(
                    " fallback_zone: UTC\n rules:\n  - name: cap\n    frequency_cap:\n      \
                     {limit}window: {{rolling: P1D}}\n     {block}"
                )
            };
            let block = match name {
                "scope" | "weight" => within_a_cap("limit: 3\n      "),
                "limit" => within_a_cap(""),
                _ => block.to_owned(),
            };
            policy(&block);
            count += 1;
        }
        assert!(count > 0, "{name} shows no YAML");
    }
}
