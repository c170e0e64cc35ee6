#!/usr/bin/env python3
"""What a release says of itself: META.json as the PGXN Meta Spec 1.0 has it, and the same version wherever one
is written. Prints a line of TAP for each rule.

    check.py [folder]     of the source; this one's, if none is given
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

# A semantic version, as the specification asks for: three numbers, and perhaps the name of a pre-release.
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9a-z.-]+)?", re.ASCII | re.IGNORECASE)
_RANGE = re.compile(rf"(?:(?:>=|<=|>|<|==|!=)\s*)?{_VERSION.pattern}|0", re.ASCII | re.IGNORECASE)
_CONTROL = r"\x00-\x1f\x7f-\x9f"
_TERM = re.compile(rf"[^\s/\\{_CONTROL}]{{2,}}")
_TAG = re.compile(rf"[^/\\{_CONTROL}]{{1,255}}")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s]+\S*", re.IGNORECASE)
_LICENSES = {"agpl_3", "apache_1_1", "apache_2_0", "artistic_1", "artistic_2", "bsd", "freebsd", "gfdl_1_2",
             "gfdl_1_3", "gpl_1", "gpl_2", "gpl_3", "lgpl_2_1", "lgpl_3_0", "mit", "mozilla_1_0", "mozilla_1_1",
             "openssl", "perl_5", "postgresql", "qpl_1_0", "ssleay", "sun", "zlib", "open_source", "restricted",
             "unrestricted", "unknown"}
_REQUIRED = ("abstract", "license", "maintainer", "meta-spec", "name", "provides", "version")
_OPTIONAL = ("description", "generated_by", "no_index", "prereqs", "release_status", "resources", "tags")
_PHASES = {"configure", "build", "test", "runtime", "develop"}
_RELATIONS = {"requires", "recommends", "suggests", "conflicts"}
# What a URL stands behind, at the top of resources or in one of its maps.
_RESOURCES: dict[str, tuple[str, ...]] = {
    "homepage": (), "license": (), "bugtracker": ("web", "mailto"), "repository": ("url", "web", "type")}

Faults = Iterator[str]


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _unknown(keys: Iterable[str], known: Iterable[str], where: str) -> Faults:
    yield from (f"{where}: {key} is no key of the specification" for key in keys
                if key not in known and not key.lower().startswith("x_"))


def _list(value: Any) -> list[Any]:
    """Where the specification has a list, one value may stand for itself."""
    return value if isinstance(value, list) else [value]


def required_keys(root: Path, meta: dict[str, Any]) -> Faults:
    yield from (f"{key} is missing" for key in _REQUIRED if not meta.get(key))
    yield from _unknown(meta, _REQUIRED + _OPTIONAL, "META.json")


def values(root: Path, meta: dict[str, Any]) -> Faults:
    if not _TERM.fullmatch(meta["name"]):
        yield "name: at least two characters, no space or slash"
    if not _VERSION.fullmatch(meta["version"]):
        yield "version is not semantic"
    yield from (f"{key} is empty" for key in ("abstract", "description", "generated_by")
                if not _text(meta.get(key, "-")))
    if not all(map(_text, _list(meta["maintainer"]))):
        yield "maintainer is empty"
    if isinstance(meta["license"], dict):
        yield from (f"license {name}: no URL" for name, url in meta["license"].items() if not _URL.fullmatch(url))
    else:
        yield from (f"license {name}" for name in _list(meta["license"]) if name not in _LICENSES)
    spec = meta["meta-spec"]
    if spec.get("version") != "1.0.0" or spec.get("url") not in (None, "https://pgxn.org/meta/spec.txt"):
        yield "meta-spec"
    if meta.get("release_status", "stable") not in ("stable", "testing", "unstable"):
        yield "release_status"
    if not isinstance(meta.get("tags", []), list):
        yield "tags are no list"
    yield from (f"tag {tag}" for tag in meta.get("tags", []) if not _TAG.fullmatch(tag))


def prerequisites(root: Path, meta: dict[str, Any]) -> Faults:
    for phase, relations in meta.get("prereqs", {}).items():
        if phase not in _PHASES:
            yield f"prereqs: {phase}"
        for relation, wanted in relations.items():
            if relation not in _RELATIONS:
                yield f"prereqs: {phase}.{relation}"
            yield from (f"prereqs: {name} {version}" for name, version in wanted.items()
                        if not (_TERM.fullmatch(name)
                                and all(_RANGE.fullmatch(part.strip()) for part in str(version).split(","))))


def resources(root: Path, meta: dict[str, Any]) -> Faults:
    given = meta.get("resources", {})
    yield from _unknown(given, _RESOURCES, "resources")
    for name, keys in _RESOURCES.items():
        if name not in given:
            continue
        if keys:
            yield from _unknown(given[name], keys, f"resources: {name}")
        urls = [given[name].get(key) for key in ("url", "web") if key in given[name]] if keys else _list(given[name])
        yield from (f"resources: {name} has no URL" for url in urls if not _URL.fullmatch(url))


def provided(root: Path, meta: dict[str, Any]) -> Faults:
    for name, extension in meta["provides"].items():
        if not _TERM.fullmatch(name):
            yield f"{name} is no name"
        if not (root / f"{name}.control").is_file():
            yield f"{name}.control is not there"
        yield from _unknown(extension, ("abstract", "docfile", "file", "version"), name)
        if not _VERSION.fullmatch(str(extension.get("version"))):
            yield f"{name}: version is not semantic"
        if not _text(extension.get("abstract", "-")):
            yield f"{name}: abstract is empty"
        for key in ("file", "docfile"):
            path = extension.get(key)
            if path is not None and not ((root / path).is_file() and (root / path).resolve().is_relative_to(root.resolve())):
                yield f"{name}: {path} is not there"
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
        "... prerequisites, too": prerequisites,
        "... and resources": resources,
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
