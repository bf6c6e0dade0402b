# SPDX-License-Identifier: MIT
"""Checks that standard input is one valid response envelope.

Usage: lib_envelope.py SCHEMAS

Against response-envelope.json in that folder where it exists, else against what is known of it here.
"""
import json
import os
import sys

MEMBERS = {"ok", "data", "error", "warnings", "meta"}


def check_known(envelope):
    assert isinstance(envelope, dict) and set(envelope) == MEMBERS, "the members are others"
    assert isinstance(envelope["ok"], bool), "ok"
    assert isinstance(envelope["data"], (dict, list, type(None))), "data"
    assert isinstance(envelope["warnings"], list), "warnings"
    assert isinstance(envelope["meta"]["duration_ms"], int), "meta.duration_ms"
    if envelope["error"] is not None:
        assert isinstance(envelope["error"]["code"], str), "error.code"
        assert isinstance(envelope["error"]["message"], str), "error.message"


def check_schema(envelope, path):
    try:
        import jsonschema
    except ImportError:
        return
    with open(path, encoding="utf-8") as file:
        jsonschema.Draft7Validator(json.load(file)).validate(envelope)


def main():
    text = sys.stdin.read()
    assert text.endswith("\n"), "no newline at the end"
    envelope = json.loads(text)
    check_known(envelope)
    assert envelope["ok"] == (envelope["error"] is None), "ok and error contradict each other"
    assert envelope["ok"] or envelope["data"] is None, "data beside an error"
    schema = os.path.join(sys.argv[1], "response-envelope.json")
    if os.path.exists(schema):
        check_schema(envelope, schema)


main()
