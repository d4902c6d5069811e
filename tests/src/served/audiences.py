"""Reads what an audience was exported to, as somebody would who has only its documentation: checks
the files against the manifest, and prints who is in each of them. Names are given; who they are in
the files is found by hashing them here."""

import csv
import hashlib
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
people = json.loads(sys.argv[2])


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def expected(person):
    hashed = {}
    if "email" in person:
        hashed["email"] = sha256(person["email"].strip().lower())
    if "phone" in person:
        hashed["phone"] = sha256("".join(c for c in person["phone"] if c.isdigit()))
    return hashed


def rows(part):
    data = (folder / part["file"]).read_bytes()
    assert sha256_bytes(data) == part["sha256"], part
    text = data.decode("ascii")
    if manifest["format"] == "csv":
        read = csv.DictReader(text.splitlines())
        found = [{key: value for key, value in row.items() if value} for row in read]
    else:
        found = [json.loads(line) for line in text.splitlines()]
    assert len(found) == part["rows"], part
    return found


def sha256_bytes(data):
    return hashlib.sha256(data).hexdigest()


def names(part):
    by_row = {json.dumps(expected(known), sort_keys=True): name for name, known in people.items()}
    return sorted(by_row[json.dumps(row, sort_keys=True)] for row in rows(part))


manifest = json.loads((folder / "manifest.json").read_text())
for path in folder.rglob("*"):
    if path.is_file():
        text = path.read_text().lower()
        plain = [value.strip().lower() for known in people.values() for value in known.values()]
        assert not any(value in text for value in plain), path
print(json.dumps({
    "version": manifest["version"],
    "previous": manifest["previous"],
    "members": names(manifest["members"]),
    "joined": names(manifest["joined"]),
    "left": names(manifest["left"]),
}))
