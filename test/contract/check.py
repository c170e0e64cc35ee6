#!/usr/bin/env python3
"""Whether mfa's requests are what the providers' APIs document. See README.md."""

import argparse
import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

from openapi import Api, Request
from schema import Document, Unreadable

HERE = Path(__file__).resolve().parent


# --- what is expected of one request, whatever the document says ----------------------------------


def texts_of(strings):
    """The strings of a decoded request, and those inside of the XML that some of them are."""
    violations, found = [], list(strings)
    for string in strings:
        if re.match(r"<(\?xml|Response\b|speak\b)", string):
            try:
                root = ElementTree.fromstring(string)
            except ElementTree.ParseError as error:
                violations.append(f"XML: {error}")
                continue
            found += ["".join(e.itertext()) for e in root.iter()]
            found += [value for e in root.iter() for value in e.attrib.values()]
    return found, violations


def spoken(text):
    """Nobody hears brackets, which a language for speech may take for its own, nor spaces."""
    return re.sub(r"[\s{}<>]+", " ", text).strip()


def missing_values(strings, expects, url):
    """Violations: what was to be sent, but does not stand in the request as its reader sees it."""
    texts, violations = texts_of(strings)
    values = texts
    voice = expects.get("channel") == "voice"
    if voice:
        texts = [spoken(text) for text in texts]
    # A template that the provider knows is filled with the code alone.
    wanted = ["code"] if expects.get("channel") == "whatsapp" else ["text", "code"]
    for what in wanted:
        value = expects.get(what)
        if value and not any((spoken(value) if voice else value) in text for text in texts):
            violations.append(f"{what}: nowhere in the request")
    for what in ("recipient", "sender"):
        value = expects.get(what, "")
        if value and value.lstrip("+") not in [v.removeprefix("tel:").lstrip("+") for v in values]:
            violations.append(f"{what}: nowhere in the request")
    identifier = expects.get("message_id")
    if identifier and identifier not in values:
        violations.append("message_id: nowhere in the request")
    secrets = [expects.get("code"), expects.get("text")]
    if any(secret and secret in unquote(url) for secret in secrets):
        violations.append("URL: holds the code or the text")
    return violations


# --- one provider ---------------------------------------------------------------------------------


def read_requests(program, files):
    """The requests that the program builds: (provider, case) -> lines."""
    output = subprocess.run([program, *files], check=True, capture_output=True).stdout
    cases = {}
    for line in map(json.loads, output.splitlines()):
        cases.setdefault((line["provider"], line["case"]), []).append(line)
    return cases


def check_line(line, apis):
    """Violations of one request, and the operation that it is, by the first API that has it."""
    request = Request(
        line["method"], line["url"], line["headers"], base64.b64decode(line["body"], validate=True)
    )
    verdicts = [api.check(request) for api in apis]
    verdict = next((v for v in verdicts if v.operation), verdicts[0])
    violations = list(verdict.violations)
    if line["variant"] == "hostile_id":
        # No id of this provider's: that it arrives as one value is what matters.
        violations = [v for v in violations if not re.match(r"(path|query) \S+: (?!not decl)", v)]
    if verdict.operation:
        violations += missing_values(verdict.strings, line["expects"], line["url"])
    return violations, verdict.operation


def check_case(lines, refuses, apis):
    """Violation -> the variants that have it; and the operations that were used."""
    violations, operations = {}, set()
    for line in lines:
        if "error" in line:
            allowed = line["variant"] in refuses
            found = [] if allowed else [f"refused: {line['error']}"]
        elif line["variant"] in refuses:
            found = ["not refused, though the case says so"]
        else:
            found, operation = check_line(line, apis)
            operations.add(operation)
        for violation in dict.fromkeys(found):
            violations.setdefault(violation, []).append(line["variant"])
    return violations, operations


class Report:
    def __init__(self, out=sys.stdout):
        self.failed = 0
        self._out = out

    def test(self, what, violations, detail=""):
        print("not ok" if violations else "ok", "-", what, file=self._out)
        self.failed += bool(violations)
        for violation, variants in violations.items():
            shown = ", ".join(variants[:4]) + (", ..." if len(variants) > 4 else "")
            print(f"#   {violation}" + (f" ({shown})" if shown else ""), file=self._out)
        if detail:
            print(f"#   {detail}", file=self._out)

    def skip(self, what, why):
        print(f"ok - {what} # skip {why}", file=self._out)


def own_apis(contract):
    return [Api(Document(root=contract["document"]))]


def check_own(contract, cases, report):
    provider = contract["provider"]
    try:
        apis = own_apis(contract)
    except Unreadable as error:
        report.test(f"{provider}: its document", {str(error): []})
        return
    used = set()
    for case, lines in cases.items():
        try:
            violations, operations = check_case(lines, refusals(contract, case), apis)
        except Unreadable as error:
            violations, operations = {f"document: {error}": []}, set()
        used |= operations
        report.test(f"{provider} {case}: {len(lines)} requests", violations)
    idle = sorted(set(apis[0].operations()) - used)
    report.test(f"{provider}: its document has only what is used", {o: [] for o in idle})


def refusals(contract, case):
    for one in contract["cases"]:
        if one["name"] == case:
            return set(one.get("refuses", ()))
    return set()


def published_entries(contract):
    published = contract.get("published") or []
    return published if isinstance(published, list) else [published]


def check_published(contract, cases, folder, report):
    provider = contract["provider"]
    entries = published_entries(contract)
    if not entries:
        report.skip(provider, "no document is published")
        return
    files = {i: folder / e["repository"].replace("/", "+", 1) / e["document"]
             for i, e in enumerate(entries)}  # fmt: skip
    for case, lines in cases.items():
        what = f"{provider} {case}"
        covering = [i for i, e in enumerate(entries) if case in e.get("covers", [case])]
        there = [i for i in covering if files[i].is_file()]
        if not covering:
            report.skip(what, "no published document covers it")
            continue
        if not there:
            report.skip(what, f"not there: {entries[covering[0]]['document']}")
            continue
        try:
            apis = [published_api(files[i], tuple(entries[i].get("servers", ()))) for i in there]
            violations, _ = check_case(lines, refusals(contract, case), apis)
        except Unreadable as error:
            violations = {f"document: {error}": []}
        known = {v for i in there for v in entries[i].get("known", ())}
        faults = "; ".join(sorted(known & violations.keys()))
        detail = f"said to be the document's fault: {faults}" if faults else ""
        violations = {v: variants for v, variants in violations.items() if v not in known}
        names = ", ".join(f"{entries[i]['repository']} {entries[i]['document']}" for i in there)
        report.test(f"{what}: {len(lines)} requests against {names}", violations, detail)


_apis = {}


def published_api(file, servers):
    """Large documents are read once."""
    if (file, servers) not in _apis:
        _apis[file, servers] = Api(Document(file=file), servers)
    return _apis[file, servers]


def main(arguments=None, out=sys.stdout):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="mfa_contract_requests")
    parser.add_argument("--published", type=Path, metavar="DIR", help="documents that were fetched")
    parser.add_argument("files", nargs="*", type=Path, metavar="NAME.json")
    options = parser.parse_args(arguments)
    files = options.files or sorted(HERE.glob("*.json"))
    report = Report(out)
    for file in files:
        contract = json.loads(file.read_text())
        try:
            requests = read_requests(options.program, [file])
        except subprocess.CalledProcessError as error:
            report.test(contract["provider"], {error.stderr.decode().strip(): []})
            continue
        cases = {case: lines for (_, case), lines in requests.items()}
        if options.published:
            check_published(contract, cases, options.published, report)
        else:
            check_own(contract, cases, report)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
