"""What the documents say of others: that what they link to is there, and that what they quote is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_LINK = re.compile(r"\]\((?!\w+:)([^)#]*)(?:#([^)]*))?\)")
_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def _anchors(document: Path) -> set[str]:
    """Of the headings, as they are made of them where Markdown is shown."""
    headings = re.findall(r"^#+ (.*)", _CODE.sub("", document.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _broken(document: Path, line: str) -> Iterator[str]:
    for path, anchor in _LINK.findall(line):
        target = (document.parent / path).resolve() if path else document
        if not target.exists():
            yield f"{path} is not there"
        elif anchor and anchor not in _anchors(target):
            yield f"{path or document.name} has no heading {anchor}"


def check(root: Path) -> Iterator[tuple[bool, str, str]]:
    """(good, what is checked, what is wrong). A block of code behind a line with a link into examples/ is a
    quotation of that file."""
    quoted: set[Path] = set()
    leaves = [root / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    for document in [*leaves, *sorted((root / "docs").glob("*.md"))]:
        wrong = []
        block: list[str] | None = None
        source: Path | None = None
        for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("```"):
                if block is not None and source is not None:
                    quoted.add(source)
                    if "\n".join(["", *block, ""]) not in "\n" + source.read_text(encoding="utf-8"):
                        wrong.append(f"line {number}: this is not in {source.relative_to(root)}")
                block, source = ([], source) if block is None else (None, None)
            elif block is not None:
                block.append(line)
            elif line.strip():
                wrong += [f"line {number}: {what}" for what in _broken(document, line)]
                targets = [(document.parent / path).resolve() for path, _ in _LINK.findall(line)]
                source = next((t for t in targets if t.is_file() and root / "examples" in t.parents), None)
        yield not wrong, f"{document.relative_to(root)}: its links, and what it quotes", "\n".join(wrong)

    files = {file for file in (root / "examples").rglob("*") if file.is_file()}
    left = "\n".join(str(file.relative_to(root)) for file in sorted(files - quoted))
    yield not left, "every example is shown by a document", left
