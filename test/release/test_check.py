"""What check.py refuses: one fault at a time in an otherwise good META.json, as PGXN would refuse it when somebody
uploads it, and in the files that have to say the same version."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import shutil
import sys
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import check

ROOT = Path(__file__).resolve().parents[2]
META: dict[str, Any] = json.loads((ROOT / "META.json").read_text(encoding="utf-8"))
DELETE = object()


def changed(path: str, value: Any) -> dict[str, Any]:
    """META.json with one value that is another, or (DELETE) is not there. The path has dots between its keys."""
    meta = copy.deepcopy(META)
    *parents, last = path.split(".")
    place = meta
    for key in parents:
        place = place[key]
    if value is DELETE:
        del place[last]
    else:
        place[last] = value
    return meta


def faults(meta: dict[str, Any]) -> list[str]:
    rules = (check.required_keys, check.values, check.prerequisites, check.resources, check.provided)
    try:
        return [fault for rule in rules for fault in rule(ROOT, meta)]
    except (KeyError, AttributeError, TypeError) as error:
        return [type(error).__name__]


REFUSED: dict[str, tuple[str, Any]] = {
    **{f"no {key}": (key, DELETE)
       for key in ("abstract", "license", "maintainer", "meta-spec", "name", "provides", "version")},
    "a key of nobody's": ("summary", "codes"),
    "an empty abstract": ("abstract", ""),
    "a name with a space": ("name", "multi factor"),
    "a name with a slash": ("name", "multi/factor"),
    "a name of one letter": ("name", "m"),
    "a version of two numbers": ("version", "1.0"),
    "a version with a leading zero": ("version", "1.00.0"),
    "a pre-release without its dash": ("version", "1.0.0b1"),
    "a license that is unknown to PGXN": ("license", "gpl_4"),
    "no maintainer in the list": ("maintainer", []),
    "a maintainer without a name": ("maintainer", [""]),
    "another specification": ("meta-spec", {"version": "2.0"}),
    "a version of the specification that is none": ("meta-spec", {"version": "one"}),
    "a release status of one's own": ("release_status", "ready"),
    "a tag with a slash": ("tags", ["sms/voice"]),
    "an empty tag": ("tags", [""]),
    "tags that are no list": ("tags", {"sms": True}),
    "nothing provided": ("provides", {}),
    "an extension without a file": ("provides.mfa.file", DELETE),
    "an extension without a version": ("provides.mfa.version", DELETE),
    "an extension's version of two numbers": ("provides.mfa.version", "1.0"),
    "an extension's file that is not there": ("provides.mfa.file", "sql/mfa--0.9.sql"),
    "an extension's document that is not there": ("provides.mfa.docfile", "doc/mfa.md"),
    "an extension's key of nobody's": ("provides.mfa.summary", "codes"),
    "an extension's empty abstract": ("provides.mfa.abstract", ""),
    "a file outside of the distribution": ("provides.mfa.file", "/etc/passwd"),
    "a prerequisite in a phase that is none": ("prereqs", {"install": {"requires": {"PostgreSQL": "15.0.0"}}}),
    "a relation that is none": ("prereqs", {"runtime": {"needs": {"PostgreSQL": "15.0.0"}}}),
    "a prerequisite of two numbers": ("prereqs", {"runtime": {"requires": {"PostgreSQL": "15.0"}}}),
    "a prerequisite with a space in its name": ("prereqs", {"runtime": {"requires": {"Postgre SQL": "15.0.0"}}}),
    "a resource of nobody's": ("resources", {"forum": "https://shop.example/"}),
    "a resource that is no URL": ("resources", {"homepage": "shop"}),
}

TAKEN: dict[str, tuple[str, Any]] = {
    "as it is": ("name", META["name"]),
    "a key of one's own": ("x_made_by", "hand"),
    "a pre-release": ("version", "1.1.0-b1"),
    "several maintainers": ("maintainer", ["A. Example <a@shop.example>", "B. Example"]),
    "several licenses": ("license", ["postgresql", "mit"]),
    "a license by its address": ("license", {"PostgreSQL": "https://www.postgresql.org/about/licence"}),
    "a range": ("prereqs", {"runtime": {"requires": {"PostgreSQL": ">= 15.0.0, < 20.0.0", "plpgsql": 0}}}),
    "resources": ("resources", {"homepage": "https://shop.example/", "bugtracker": {"web": "https://shop.example/bugs"},
                                "repository": {"url": "https://shop.example/mfa.git", "type": "git"}}),
}


class Meta(unittest.TestCase):
    def test_refused(self) -> None:
        for name, (path, value) in REFUSED.items():
            with self.subTest(name):
                self.assertNotEqual(faults(changed(path, value)), [])

    def test_taken(self) -> None:
        for name, (path, value) in TAKEN.items():
            with self.subTest(name):
                self.assertEqual(faults(changed(path, value)), [])


class Release(unittest.TestCase):
    """A copy of what the rules read, with one edit."""

    FILES = ("META.json", "mfa.control", "CHANGELOG.md", "README.md", "debian/changelog", "sql/mfa--1.0.sql")

    def answer(self, file: str = "README.md", edit: Callable[[str], str] = lambda text: text) -> tuple[int, str]:
        with tempfile.TemporaryDirectory() as folder:
            for name in self.FILES:
                (Path(folder) / name).parent.mkdir(exist_ok=True)
                shutil.copy(ROOT / name, Path(folder) / name)
            place = Path(folder) / file
            place.write_text(edit(place.read_text(encoding="utf-8")), encoding="utf-8")
            printed = io.StringIO()
            with mock.patch.object(sys, "argv", ["check.py", folder]), contextlib.redirect_stdout(printed):
                return check.main(), printed.getvalue()

    def test_good(self) -> None:
        status, printed = self.answer()
        self.assertEqual((status, printed.count("\nnot ok")), (0, 0), printed)

    def test_another_version(self) -> None:
        version, extension = META["version"], META["version"].rpartition(".")[0]
        for file, old, new in (
                ("META.json", f'"version": "{version}",', '"version": "9.9.9",'),
                ("CHANGELOG.md", f"## {version} ", "## 9.9.9 "),
                ("debian/changelog", f"mfa ({version})", "mfa (9.9.9)"),
                ("mfa.control", f"'{extension}'", "'9.9'"),
                (f"sql/mfa--{extension}.sql", f"mfa {extension}:", "mfa 9.9:")):
            with self.subTest(file):
                status, printed = self.answer(file, lambda text, old=old, new=new: text.replace(old, new, 1))
                self.assertEqual(status, 1)
                self.assertIn("not ok - one version everywhere", printed)

    def test_released_in_one_place_only(self) -> None:
        for file, pattern in (("CHANGELOG.md", "(2027-01-31)"), ("CHANGELOG.md", "(soon)")):
            with self.subTest(pattern):
                status, printed = self.answer(file, lambda text, pattern=pattern: text.replace("(unreleased)", pattern, 1))
                self.assertEqual(status, "(unreleased)" in (ROOT / file).read_text(encoding="utf-8"))
                self.assertEqual("not ok - released" in printed, bool(status))


if __name__ == "__main__":
    unittest.main()
