"""Holds real answers to docs/reference/admin.openapi.yaml.

Flow:
    spec = Spec()
    spec.check("GET", "/v1/pools", 200, content_type, body)      # raises AssertionError that says where they differ

Only the part of JSON Schema that the file uses. A member that an object has and its schema does not name is a
difference, too, unless the schema says additionalProperties: what is not written down is not promised.
"""
import json
import os
import re

import yaml

from support.fairing import ROOT

TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}
KNOWN = {
    "type", "enum", "const", "required", "properties", "additionalProperties", "items", "minItems", "minimum",
    "maximum", "minLength", "maxLength", "maxProperties", "pattern", "oneOf", "$ref", "description", "format", "default",
}  # fmt: skip


class Spec:
    def __init__(self):
        with open(os.path.join(ROOT, "docs", "reference", "admin.openapi.yaml"), encoding="utf-8") as f:
            self.document = yaml.safe_load(f)

    @property
    def paths(self):
        return self.document["paths"]

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def check(self, method, path, status, content_type, body):
        """`body` as bytes; the answer must be one that the file has for this path."""
        where = f"{method} {path} {status}"
        responses = self.paths[path][method.lower()]["responses"]
        response = responses.get(str(status), responses.get("default"))
        assert response is not None, f"{where}: no such answer in the file"
        content = self.resolve(response).get("content", {})
        kind = content_type.split(";")[0]
        assert kind in content, f"{where}: {kind}, the file has {list(content)}"
        value = json.loads(body) if kind.endswith("json") else body.decode()
        differences = list(self.differences(content[kind]["schema"], value, ""))
        assert not differences, f"{where}:\n  " + "\n  ".join(differences)

    def differences(self, schema, value, at):
        """Yields a line for everything in which `value` is not as `schema` says."""
        schema = self.resolve(schema)
        unknown = set(schema) - KNOWN
        assert not unknown, f"support/openapi.py does not know {unknown}"
        at = at or "the document"
        if "oneOf" in schema:
            fits = [s for s in schema["oneOf"] if not list(self.differences(s, value, at))]
            if len(fits) != 1:
                yield f"{at}: {len(fits)} of the alternatives fit"
            return
        if "const" in schema and value != schema["const"]:
            yield f"{at}: {value!r}, not {schema['const']!r}"
        if "enum" in schema and value not in schema["enum"]:
            yield f"{at}: {value!r} is none of {schema['enum']}"
        types = schema.get("type", list(TYPES))
        types = types if isinstance(types, list) else [types]
        if not any(TYPES[t](value) for t in types):
            yield f"{at}: {value!r} is no {' or '.join(types)}"
        elif isinstance(value, dict):
            yield from self.object_differences(schema, value, at)
        elif isinstance(value, list):
            if len(value) < schema.get("minItems", 0):
                yield f"{at}: {len(value)} items"
            for i, item in enumerate(value):
                yield from self.differences(schema.get("items", {}), item, f"{at}[{i}]")
        elif isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
            yield f"{at}: {value!r} is not as {schema['pattern']}"
        elif TYPES["number"](value) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield f"{at}: {value} is out of bounds"

    def object_differences(self, schema, value, at):
        for name in schema.get("required", []):
            if name not in value:
                yield f"{at}: no {name}"
        named = schema.get("properties", {})
        others = schema.get("additionalProperties", not named)
        for name, member in value.items():
            if name in named:
                yield from self.differences(named[name], member, f"{at}.{name}")
            elif others is False:
                yield f"{at}: {name} is not in the file"
            elif isinstance(others, dict):
                yield from self.differences(others, member, f"{at}.{name}")
