"""That schema.py sees what is wrong with a value, and only that."""

import tempfile
import unittest
from pathlib import Path

from schema import Document, Schemas, Unreadable

ROOT = {"openapi": "3.0.3", "paths": {}}


class StrictSchemas(unittest.TestCase):
    def violations(self, schema, value, schemas=None):
        root = ROOT | {"components": {"schemas": schemas or {}}}
        return Schemas(Document(root=root)).violations(
            Document(root=root | {"x": schema}).root["x"], value
        )

    def accepts(self, schema, value, schemas=None):
        self.assertEqual(self.violations(schema, value, schemas), [])

    def refuses(self, schema, value, schemas=None, word=""):
        found = self.violations(schema, value, schemas)
        self.assertTrue(any(word in v for v in found), found)

    def object(self, *names, **more):
        return {"type": "object", "properties": {n: {"type": "string"} for n in names}} | more

    def test_all_of_joins_names(self):
        both = {"allOf": [self.object("a"), self.object("b", additionalProperties=False)]}
        self.accepts(both, {"a": "1", "b": "2"})
        self.refuses(both, {"a": "1", "c": "3"}, word="/c: not declared")

    def test_any_of(self):
        either = {"anyOf": [self.object("a", required=["a"]), self.object("b", required=["b"])]}
        self.accepts(either, {"a": "1"})
        self.accepts(either, {"a": "1", "b": "2"})
        self.refuses(either, {"a": "1", "c": "2"}, word="/c: not declared")
        self.refuses(either, {}, word="no branch of anyOf")

    def test_one_of_is_one_branch(self):
        one = {"oneOf": [self.object("a"), self.object("b")]}
        self.accepts(one, {"b": "1"})
        self.refuses(one, {"a": "1", "b": "2"}, word="not declared")
        closed = {"oneOf": [self.object("a", additionalProperties=False),
                            self.object("a", "b", additionalProperties=False)]}  # fmt: skip
        self.accepts(closed, {"a": "1", "b": "2"})
        self.refuses(closed, {"a": "1", "b": 2}, word="no branch of oneOf")

    def test_names_beside_branches(self):
        branches = [self.object("b", required=["b"]), {"required": ["a"]}]
        schema = self.object("a") | {"oneOf": branches}
        self.accepts(schema, {"a": "1"})
        self.accepts(schema, {"a": "1", "b": "2"})
        self.refuses(schema, {"c": "1"})

    def test_discriminator(self):
        schemas = {
            "Cat": self.object("kind", "claws"),
            "Dog": self.object("kind", "tail"),
            "Pet": {
                "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("Cat", "Dog")],
                "discriminator": {
                    "propertyName": "kind",
                    "mapping": {"cat": "#/components/schemas/Cat", "dog": "Dog"},
                },
            },
        }
        pet = {"$ref": "#/components/schemas/Pet"}
        self.accepts(pet, {"kind": "cat", "claws": "1"}, schemas)
        self.accepts(pet, {"kind": "dog", "tail": "1"}, schemas)
        self.refuses(pet, {"kind": "dog", "claws": "1"}, schemas, "/claws: not declared")
        self.refuses(pet, {"kind": "cow"}, schemas, "none of")
        self.refuses(pet, {"claws": "1"}, schemas, "/kind: required")

    def test_discriminator_of_a_parent(self):
        schemas = {
            "Parent": self.object("kind") | {
                "discriminator": {
                    "propertyName": "kind", "mapping": {"x": "#/components/schemas/Child"}
                }
            },
            "Child": {"allOf": [{"$ref": "#/components/schemas/Parent"}, self.object("more")]},
        }  # fmt: skip
        parent = {"$ref": "#/components/schemas/Parent"}
        self.accepts(parent, {"kind": "x", "more": "1"}, schemas)
        self.refuses(parent, {"kind": "x", "less": "1"}, schemas, "/less: not declared")

    def test_maps_and_free_objects(self):
        self.accepts({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1})
        self.refuses({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": "1"})
        self.accepts({"type": "object"}, {"a": {"b": 1}})
        self.refuses({"type": "object", "additionalProperties": False}, {"a": 1})
        self.refuses({"type": "object", "unevaluatedProperties": {"not": {}}}, {"a": 1})
        self.refuses(self.object("a", additionalProperties=True), {"a": "1", "b": 2}, word="/b")
        self.accepts(self.object("a", unevaluatedProperties={"type": "integer"}), {"b": 2})
        self.refuses(self.object("a", unevaluatedProperties={"type": "integer"}), {"b": "2"})
        self.accepts({"type": "object", "patternProperties": {"^x-": {}}}, {"x-a": 1})
        self.refuses({"type": "object", "patternProperties": {"^x-": {}},
                      "additionalProperties": False}, {"a": 1})  # fmt: skip

    def test_both_versions(self):
        self.accepts({"type": "string", "nullable": True}, None)
        self.accepts({"type": ["string", "null"]}, None)
        self.refuses({"type": "string"}, None)
        self.refuses({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, 0)
        self.refuses({"type": "integer", "exclusiveMinimum": 0}, 0)
        self.refuses({"const": 1}, 2)
        self.refuses({"not": {"type": "string"}}, "x")
        self.refuses({"prefixItems": [{"type": "integer"}], "items": {"type": "string"}}, [1, 2])
        branch = {"if": {"required": ["a"]}, "then": {"required": ["b"]}} | self.object("a", "b")
        self.accepts(branch, {"b": "1"})
        self.refuses(branch, {"a": "1"}, word="/b: required")

    def test_formats(self):
        for name, good, bad in (
            ("uuid", "5bf04e1c-1111-4111-8111-000000000001", "5bf04e1c"),
            ("date-time", "2027-01-15T08:00:00Z", "2027-01-15T08:00:00"),
            ("date-time", "2027-01-15T08:00:00+00:00", "tomorrow"),
            ("uri", "https://example.com/", "example"),
            ("int32", 2**31 - 1, 2**31),
        ):
            self.accepts({"format": name}, good)
            self.refuses({"format": name}, bad)

    def test_references(self):
        schemas = {"Loop": self.object("a") | {"allOf": [{"$ref": "#/components/schemas/Loop"}]}}
        self.accepts({"$ref": "#/components/schemas/Loop"}, {"a": "1"}, schemas)
        with self.assertRaises(Unreadable):
            self.violations({"$ref": "#/components/schemas/None"}, {})
        with tempfile.TemporaryDirectory() as folder:
            main = Path(folder) / "api.yaml"
            main.write_text("openapi: 3.0.3\npaths: {}\nx: {$ref: 'more/b.json#/B'}\n")
            (Path(folder) / "more").mkdir()
            (Path(folder) / "more/b.json").write_text('{"B":{"$ref":"#/C"},"C":{"type":"integer"}}')
            document = Document(file=main)
            self.assertEqual(Schemas(document).violations(document.root["x"], 1), [])
            self.assertTrue(Schemas(document).violations(document.root["x"], "1"))


if __name__ == "__main__":
    unittest.main()
