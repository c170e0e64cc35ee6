"""What the documents say of files: that they are there, and that what is quoted of them is in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_LINK = re.compile(r"\]\((?!\w+:)([^)#]+)[^)]*\)")


def check(root: Path) -> Iterator[tuple[bool, str, str]]:
    """(good, what is checked, what is wrong). A block of code behind a line with a link into examples/ is a
    quotation of that file."""
    quoted: set[Path] = set()
    for document in [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md"))]:
        wrong = []
        block: list[str] | None = None
        source: Path | None = None
        for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("```"):
                if block is not None and source is not None:
                    quoted.add(source)
                    if "\n".join(block) + "\n" not in source.read_text(encoding="utf-8"):
                        wrong.append(f"line {number}: this is not in {source.relative_to(root)}")
                block, source = ([], source) if block is None else (None, None)
            elif block is not None:
                block.append(line)
            elif line.strip():
                targets = [(document.parent / target).resolve() for target in _LINK.findall(line)]
                wrong += [f"line {number}: {target} is not there" for target in targets if not target.exists()]
                examples = [t for t in targets if t.is_file() and (root / "examples") in t.parents]
                source = examples[-1] if examples else None
        yield not wrong, f"{document.relative_to(root)}: its links, and what it quotes", "\n".join(wrong)

    files = {file for file in (root / "examples").rglob("*") if file.is_file()}
    left = "\n".join(str(file.relative_to(root)) for file in sorted(files - quoted))
    yield not left, "every example is shown by a document", left
