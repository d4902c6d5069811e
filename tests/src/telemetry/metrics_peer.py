"""Reads an exposition with Prometheus' own parser: `openmetrics` or `plain`. Prints its samples."""

import json
import sys

if sys.argv[1] == "openmetrics":
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
else:
    from prometheus_client.parser import text_string_to_metric_families

samples = []
for family in text_string_to_metric_families(sys.stdin.read()):
    for sample in family.samples:
        exemplar = getattr(sample, "exemplar", None)
        samples.append({
            "name": sample.name,
            "type": family.type,
            "labels": sample.labels,
            "value": sample.value,
            "trace": exemplar.labels.get("trace_id") if exemplar else None,
        })
print(json.dumps(samples))
