"""Values against the schemas of OpenAPI 3.0 and 3.1, more strictly than the documents ask for.

A property that no schema names at its place is a violation, also where the document forgot to say
additionalProperties: false. Names are collected by place, over $ref, allOf, the branches of anyOf
and oneOf that fit, and the schema that a discriminator chooses. Single keywords are jsonschema's.
"""

import datetime
import json
import re
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import jsonschema
import yaml

LEAVES = {
    "type", "enum", "const", "pattern", "format", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems",
    "uniqueItems", "minProperties", "maxProperties", "dependentRequired",
}  # fmt: skip


class Unreadable(Exception):
    """The document, not the request, is at fault."""


def _format_checker():
    checker = jsonschema.FormatChecker(formats=())

    def add(name, test):
        def checked(value):
            return not isinstance(value, str) or bool(test(value))

        checker.checks(name, raises=ValueError)(checked)

    def whole(bits):
        def checked(value):
            return not isinstance(value, int) or -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)

        return checked

    add("date-time", lambda v: datetime.datetime.fromisoformat(v).tzinfo and "T" in v.upper())
    add("uuid", uuid.UUID)
    add("uri", lambda v: re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:\S.*", v, re.DOTALL))
    checker.checks("int32")(whole(32))
    checker.checks("int64")(whole(64))
    return checker


FORMATS = _format_checker()


class Document:
    """An OpenAPI document and the files that its references lead to."""

    def __init__(self, root=None, file=None):
        self._files = {}
        self._name = str(file.resolve()) if file else ""
        if root is not None:
            self._files[self._name] = _absolute(json.loads(json.dumps(root)), self._name)
        self.root = self._load(self._name)
        if not str(self.root.get("openapi", "")).startswith("3."):
            raise Unreadable("not an OpenAPI 3 document")

    def resolve(self, node):
        """The node itself, or what it refers to, for parameters and the like."""
        for _ in range(50):
            if not isinstance(node, dict) or "$ref" not in node:
                return node
            node = self.at(node["$ref"])
        raise Unreadable("references go in a circle")

    def at(self, reference):
        name, _, pointer = reference.partition("#")
        node = self._load(name)
        for step in pointer.split("/")[1:]:
            step = re.sub(r"%([0-9A-Fa-f]{2})", lambda m: chr(int(m[1], 16)), step)
            step = step.replace("~1", "/").replace("~0", "~")
            try:
                node = node[int(step) if isinstance(node, list) else step]
            except (KeyError, IndexError, ValueError, TypeError):
                raise Unreadable(f"nothing at {pointer}") from None
        return node

    def absolute(self, reference):
        return _join(reference, self._name)

    def _load(self, name):
        if name not in self._files:
            if "://" in name or not Path(name).is_file():
                raise Unreadable(f"no file {name.rsplit('/', 1)[-1]}")
            text = Path(name).read_text("utf-8-sig")
            # YAML 1.1 reads JSON too, but not all of it, and slowly.
            if name.endswith(".json"):
                root = json.loads(text)
            else:
                root = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            self._files[name] = _absolute(root, name)
        return self._files[name]


def _join(reference, name):
    file, sharp, pointer = reference.partition("#")
    if file and "://" not in file and not file.startswith("/"):
        file = str((Path(name).parent / file).resolve())
    return (file or name) + sharp + pointer


def _absolute(root, name):
    """With every reference naming its file. Anchors of YAML make a node stand in several places."""
    seen, todo = set(), [root]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                node["$ref"] = _join(node["$ref"], name)
            todo.extend(node.values())
        elif isinstance(node, list):
            todo.extend(node)
    return root


@dataclass
class Found:
    """What one schema says of a value. Places are JSON pointers."""

    errors: list = field(default_factory=list)  # "place: what"
    names: dict = field(default_factory=dict)  # place -> names of properties that are declared
    shut: dict = field(default_factory=dict)  # place -> names that a closed schema refuses
    free: set = field(default_factory=set)  # places where any name is taken
    objects: dict = field(default_factory=dict)  # place -> names that the value has there

    def add(self, other):
        self.errors += other.errors
        for mine, others in ((self.names, other.names), (self.shut, other.shut)):
            for place, names in others.items():
                mine.setdefault(place, set()).update(names)
        self.free |= other.free
        self.objects.update(other.objects)
        return self

    def unknown(self):
        """Properties that are declared nowhere."""
        found = []
        for place, has in self.objects.items():
            names = self.names.get(place, set())
            if names or place not in self.free or self.shut.get(place):
                found += [f"{place}/{name}" for name in sorted(has - names)]
        return found

    def fits(self):
        return not self.errors and not any(
            refused - self.names.get(place, set()) for place, refused in self.shut.items()
        )


class Schemas:
    def __init__(self, document):
        self._document = document

    def violations(self, schema, value, place=""):
        found = self.check(schema, value, place)
        return found.errors + [f"{name}: not declared" for name in found.unknown()]

    def check(self, schema, value, place="", followed=frozenset()):
        found = Found()
        if schema is False:
            found.errors.append(f"{place or '/'}: nothing is allowed here")
        if not isinstance(schema, dict):
            if schema is not False and isinstance(value, dict):
                found.objects[place] = set(value)
                found.free.add(place)
            return found
        if value is None and schema.get("nullable"):
            return found
        reference = schema.get("$ref")
        if reference is not None:
            if (reference, place) in followed:
                return found
            inner = followed | {(reference, place)}
            found.add(self.check(self._document.at(reference), value, place, inner))
        found.errors += _leaf_errors(schema, value, place)
        if isinstance(value, dict):
            self._object(schema, value, place, found)
        elif isinstance(value, list):
            first = schema.get("prefixItems", [])
            for i, item in enumerate(value):
                item_schema = first[i] if i < len(first) else schema.get("items", True)
                found.add(self.check(item_schema, item, f"{place}/{i}"))
        for part in schema.get("allOf", ()):
            found.add(self.check(part, value, place, followed))
        chosen = self._discriminated(schema, value, place, found, followed)
        for word in ("anyOf", "oneOf"):
            if word in schema and not chosen:
                self._branches(word, schema[word], value, place, found, followed)
        if "if" in schema:
            condition = self.check(schema["if"], value, place, followed)
            branch = schema.get("then" if condition.fits() else "else", True)
            if condition.fits():
                found.add(condition)
            found.add(self.check(branch, value, place, followed))
        if "not" in schema and self.check(schema["not"], value, place, followed).fits():
            found.errors.append(f"{place or '/'}: is what must not be")
        if isinstance(value, dict):
            self._unevaluated(schema, value, place, found)
        return found

    def _object(self, schema, value, place, found):
        properties = schema.get("properties", {})
        patterns = schema.get("patternProperties", {})
        rest = schema.get("additionalProperties")
        found.objects[place] = set(value)
        names = found.names.setdefault(place, set())
        # Names that the value lacks count too: with some declared, the object is not free.
        names |= set(properties)
        for name in schema.get("required", ()):
            if name not in value and not self._read_only(properties.get(name)):
                found.errors.append(f"{place}/{name}: required, but missing")
        for name, member in value.items():
            at = f"{place}/{name}"
            matching = [patterns[p] for p in patterns if re.search(p, name)]
            if name in properties:
                if self._read_only(properties[name]):
                    found.errors.append(f"{at}: read-only")
                matching.append(properties[name])
            if not matching and isinstance(rest, dict) and rest:
                matching.append(rest)
            if matching:
                names.add(name)
            elif rest is False:
                found.shut.setdefault(place, set()).add(name)
            for part in matching:
                found.add(self.check(part, member, at))
        # A schema without any names is of an object that may have any.
        if rest is not False and schema.get("unevaluatedProperties") is not False:
            found.free.add(place)

    def _unevaluated(self, schema, value, place, found):
        rest = schema.get("unevaluatedProperties")
        if rest is None or rest is True or rest == {}:
            return
        closed = rest is False or rest == {"not": {}}
        if closed:
            found.free.discard(place)
        for name in set(value) - found.names.get(place, set()):
            if closed:
                found.shut.setdefault(place, set()).add(name)
            else:
                found.names.setdefault(place, set()).add(name)
                found.add(self.check(rest, value[name], f"{place}/{name}"))

    def _read_only(self, schema):
        schema = self._document.resolve(schema)
        return isinstance(schema, dict) and schema.get("readOnly") is True

    def _branches(self, word, branches, value, place, found, followed):
        """Those that fit and leave the fewest names undeclared: of oneOf the first, of anyOf all.

        That two branches of a oneOf fit is not held against the request: in documents that leave
        objects open they overlap.
        """
        tried = [self.check(branch, value, place, followed) for branch in branches]
        # What stands beside the branches declares names too.
        beside = Found(names={p: set(n) for p, n in found.names.items()})
        ranked = []
        for one in tried:
            both = Found().add(beside).add(one)
            ranked.append((not both.fits(), len(both.unknown()), len(one.errors)))
        best = min(ranked)
        if best[0]:
            closest = tried[ranked.index(best)]
            found.errors.append(f"{place or '/'}: fits no branch of {word}; the closest says:")
            found.add(closest)
            return
        for one, rank in zip(tried, ranked):
            if rank == best:
                found.add(one)
                if word == "oneOf":
                    return

    def _discriminated(self, schema, value, place, found, followed):
        """Whether a discriminator has chosen the schema, which is checked then."""
        discriminator = schema.get("discriminator")
        if not isinstance(discriminator, dict) or not isinstance(value, dict):
            return False
        name = discriminator.get("propertyName")
        branches = schema.get("oneOf", schema.get("anyOf", ()))
        references = [b.get("$ref", "") for b in branches if isinstance(b, dict)]
        mapping = {}
        for word, to in discriminator.get("mapping", {}).items():
            path = to if "/" in to or "#" in to else f"#/components/schemas/{to}"
            mapping[word] = self._document.absolute(path)
        for reference in references:
            mapping.setdefault(reference.rsplit("/", 1)[-1], reference)
        if name not in value:
            if branches:
                found.errors.append(f"{place}/{name}: required, but missing")
            return bool(branches)
        target = mapping.get(str(value[name]))
        if target is None:
            if discriminator.get("mapping"):
                found.errors.append(f"{place}/{name}: none of {', '.join(sorted(mapping))}")
            return bool(discriminator.get("mapping"))
        if (target, place) not in followed:
            inner = followed | {(target, place)}
            found.add(self.check(self._document.at(target), value, place, inner))
        return True


def _leaf_errors(schema, value, place):
    leaf = {word: schema[word] for word in LEAVES & schema.keys()}
    # OpenAPI 3.0 has these two as switches of minimum and maximum.
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(leaf.get(exclusive), bool):
            if leaf.pop(exclusive) and bound in leaf:
                leaf[exclusive] = leaf.pop(bound)
    try:
        re.compile(leaf.get("pattern", ""))
    except re.error:
        del leaf["pattern"]  # of another dialect
    validator = jsonschema.Draft202012Validator(leaf, format_checker=FORMATS)
    return [f"{place or '/'}: {e.message[:200]}" for e in validator.iter_errors(value)]
