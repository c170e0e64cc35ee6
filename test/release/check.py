#!/usr/bin/env python3
"""What a release says of itself: META.json as the PGXN Meta Spec 1.0 has it, and the same version wherever one
is written. Prints a line of TAP for each rule.

    check.py [folder]     of the source; this one's, if none is given
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# A semantic version, as the specification asks for: three numbers, and perhaps the name of a pre-release.
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)([a-z][a-z0-9-]*)?", re.IGNORECASE)
_TERM = re.compile(r"[^\x00-\x1f/\\]{2,}")
_TAG = re.compile(r"[^\x00-\x1f/\\]{1,255}")
_LICENSES = {"agpl_3", "apache_2_0", "artistic_2", "bsd", "gpl_2", "gpl_3", "lgpl_2_1", "lgpl_3_0", "mit",
             "mozilla_1_1", "open_source", "postgresql", "restricted", "unrestricted", "unknown"}
_REQUIRED = ("abstract", "license", "maintainer", "meta-spec", "name", "provides", "version")
_OPTIONAL = ("description", "generated_by", "no_index", "prereqs", "release_status", "resources", "tags")
_PHASES = {"configure", "build", "test", "runtime", "develop"}
_RELATIONS = {"requires", "recommends", "suggests", "conflicts"}

Faults = Iterator[str]


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def required_keys(root: Path, meta: dict[str, Any]) -> Faults:
    yield from (f"{key} is missing" for key in _REQUIRED if not meta.get(key))
    yield from (f"{key} is no key of the specification" for key in meta
                if key not in _REQUIRED + _OPTIONAL and not key.lower().startswith("x_"))


def values(root: Path, meta: dict[str, Any]) -> Faults:
    if not _TERM.fullmatch(str(meta["name"])):
        yield "name"
    if not _VERSION.fullmatch(str(meta["version"])):
        yield "version is not semantic"
    yield from (f"{key} is empty" for key in ("abstract", "maintainer", "description", "generated_by")
                if not _text(meta.get(key, "-")))
    if meta["license"] not in _LICENSES:
        yield f"license {meta['license']}"
    spec = meta["meta-spec"]
    if spec.get("version") != "1.0.0" or spec.get("url") not in (None, "https://pgxn.org/meta/spec.txt"):
        yield "meta-spec"
    if meta.get("release_status", "stable") not in ("stable", "testing", "unstable"):
        yield "release_status"
    yield from (f"tag {tag}" for tag in meta.get("tags", []) if not _TAG.fullmatch(tag))
    for phase, relations in meta.get("prereqs", {}).items():
        if phase not in _PHASES:
            yield f"prereqs: {phase}"
        for relation, wanted in relations.items():
            if relation not in _RELATIONS:
                yield f"prereqs: {phase}.{relation}"
            yield from (f"prereqs: {name} {version}" for name, version in wanted.items()
                        if not re.fullmatch(r"0|(>=|<=|>|<|==|!=)? ?\d+\.\d+\.\d+", str(version)))


def provided(root: Path, meta: dict[str, Any]) -> Faults:
    for name, extension in meta["provides"].items():
        if not (root / f"{name}.control").is_file():
            yield f"{name}.control is not there"
        if not _VERSION.fullmatch(str(extension.get("version"))):
            yield f"{name}: version is not semantic"
        for key in ("file", "docfile"):
            if key in extension and not (root / extension[key]).is_file():
                yield f"{name}: {extension[key]} is not there"
        if "file" not in extension:
            yield f"{name}: no file"


def _found(file: Path, pattern: str) -> str:
    """What the pattern's group is in the file, whose first such place counts."""
    match = re.search(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)
    return match[1] if match else f"{file.name}: none"


def one_version(root: Path, meta: dict[str, Any]) -> Faults:
    """The extension has the first two numbers: a release that differs in the third changes no SQL."""
    release = meta["version"]
    for where, version in {
            "META.json, provides": meta["provides"]["mfa"]["version"],
            "CHANGELOG.md": _found(root / "CHANGELOG.md", r"^## (\S+)"),
            "debian/changelog": _found(root / "debian/changelog", r"^mfa \(([^)]*)\)")}.items():
        if version != release:
            yield f"{where}: {version}, not {release}"
    extension = ".".join(release.split(".")[:2])
    script = f"sql/mfa--{extension}.sql"
    if not (root / script).is_file():
        yield f"{script} is not there"
        return
    for where, version in {
            "mfa.control": _found(root / "mfa.control", r"^default_version = '(.*)'"),
            "META.json, file": meta["provides"]["mfa"]["file"].removeprefix("sql/mfa--").removesuffix(".sql"),
            f"{script}, its first line": _found(root / script, r"\A-- mfa (\S+):")}.items():
        if version != extension:
            yield f"{where}: {version}, not {extension}"


def dates(root: Path, meta: dict[str, Any]) -> Faults:
    """Not yet released in both, or released in both."""
    heading = _found(root / "CHANGELOG.md", r"^## \S+ \((.*)\)")
    suite = _found(root / "debian/changelog", r"^mfa \([^)]*\) (\w+);")
    if not re.fullmatch(r"unreleased|\d{4}-\d\d-\d\d", heading):
        yield f"CHANGELOG.md: ({heading}) is neither a date nor (unreleased)"
    if (heading == "unreleased") != (suite == "UNRELEASED"):
        yield f"CHANGELOG.md: {heading}, but debian/changelog: {suite}"


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    meta = json.loads((root / "META.json").read_text(encoding="utf-8"))
    rules: dict[str, Callable[[Path, dict[str, Any]], Faults]] = {
        "META.json has the keys that PGXN asks for": required_keys,
        "META.json has values that PGXN takes": values,
        "META.json provides what is there": provided,
        "one version everywhere": one_version,
        "released, or not, everywhere": dates}
    failed = 0
    for description, rule in rules.items():
        try:
            faults = list(rule(root, meta))
        except (KeyError, AttributeError, TypeError) as error:
            faults = [f"{type(error).__name__}: {error}"]
        failed += bool(faults)
        print(f"{'not ok' if faults else 'ok'} - {description}", *(f"#   {fault}" for fault in faults), sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
