//! The example files and the examples in the rules' documentation are policies.

use cadencia_policies::{ContactPolicy, PolicySet, RawContactPolicy, lint};
use serde::Deserialize;

use crate::fixture::{id, policy};

const FILES: [(&str, &str); 4] = [
    ("full", include_str!("../../examples/full.yaml")),
    ("two-a-week", include_str!("../../examples/two-a-week.yaml")),
    ("sms-with-care", include_str!("../../examples/sms-with-care.yaml")),
    ("built-in-rules", include_str!("../../examples/built-in-rules.yaml")),
];

const DOCUMENTED: [(&str, &str); 6] = [
    ("suppression", include_str!("../../src/rules/suppression.rs")),
    ("consent", include_str!("../../src/rules/consent.rs")),
    ("quiet_hours", include_str!("../../src/rules/quiet_hours.rs")),
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
            let block = match name {
                "scope" => format!(
                    " fallback_zone: UTC\n rules:\n  - name: cap\n    frequency_cap:\n      \
                     limit: 1\n      window: {{rolling: P1D}}\n     {block}"
                ),
                _ => block.to_owned(),
            };
            policy(&block);
            count += 1;
        }
        assert!(count > 0, "{name} shows no YAML");
    }
}
