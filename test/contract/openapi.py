"""One HTTP request against the operations of an OpenAPI document."""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from itertools import product
from urllib.parse import unquote_to_bytes, urlsplit

from schema import Schemas, Unreadable

FORM = "application/x-www-form-urlencoded"
# The document's own fields for these say nothing (OpenAPI, "Parameter Object").
USUAL_HEADERS = {"content-type", "accept", "authorization"}


@dataclass
class Request:
    method: str
    url: str
    headers: list  # lines
    body: bytes


@dataclass
class Verdict:
    operation: str = ""  # "POST /path/{template}", once found
    violations: list = field(default_factory=list)
    strings: list = field(default_factory=list)  # all values of the decoded request


class Malformed(ValueError):
    pass


def percent_decoded(text, plus_is_space=False):
    if not re.fullmatch(r"(?:[!$'()*,\-./0-9:;=?@A-Z_a-z~+\[\]&]|%[0-9A-Fa-f]{2})*", text):
        raise Malformed("a character or percent sequence that does not belong there")
    try:
        return unquote_to_bytes(text.replace("+", " ") if plus_is_space else text).decode()
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None


def pairs(text):
    """Name and value of each field of a form or query."""
    if not text:
        return []
    result = []
    for part in text.split("&"):
        name, equals, value = part.partition("=")
        if not name or not equals or "=" in value:
            raise Malformed("a field that is not name=value")
        result.append((percent_decoded(name, True), percent_decoded(value, True)))
    return result


def strings_in(value):
    if isinstance(value, dict):
        for member in value.values():
            yield from strings_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from strings_in(member)
    elif isinstance(value, str):
        yield value


def strict_json(text):
    def no_twins(members):
        result = dict(members)
        if len(result) != len(members):
            raise Malformed("a name twice in an object")
        return result

    def no_constant(word):
        raise Malformed(f"{word} is no JSON")

    try:
        return json.loads(text.decode(), object_pairs_hook=no_twins, parse_constant=no_constant)
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"no JSON at byte {error.pos}") from None


def readings(text):
    """A value as it stands, and as the number or boolean that it may stand for."""
    yield text
    if re.fullmatch(r"-?(?:0|[1-9][0-9]*)", text):
        yield int(text)
    elif re.fullmatch(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", text):
        yield float(text)
    if text in ("true", "false"):
        yield text == "true"


class Api:
    def __init__(self, document, servers=()):
        self._document = document
        self._schemas = Schemas(document)
        self._servers = [{"url": url} for url in servers]

    def operations(self):
        for template, item in self._document.root.get("paths", {}).items():
            for method in ("get", "put", "post", "delete", "patch"):
                if method in self._document.resolve(item):
                    yield f"{method.upper()} {template}"

    def check(self, request):
        verdict = Verdict()
        say = verdict.violations.append
        headers = self._headers(request, say)
        if not re.fullmatch(r"[!-~]+", request.url):
            say("URL: not printable ASCII")
        url = urlsplit(request.url)
        if url.fragment:
            say("URL: has a fragment")
        found = self._find(request.method.lower(), url, say)
        if found is None:
            return verdict
        template, item, operation, path_values = found
        verdict.operation = f"{request.method} {template}"
        declared = {}
        for parameter in item.get("parameters", []) + operation.get("parameters", []):
            parameter = self._document.resolve(parameter)
            declared[parameter["in"], parameter["name"]] = parameter
        self._path(path_values, declared, verdict)
        query = self._credentials(operation, headers, url, say)
        self._query(url.query, declared, query, verdict)
        self._declared_headers(headers, declared, operation, say)
        self._body(request, headers, operation, verdict)
        return verdict

    # --- method, server, path ---------------------------------------------------------------------

    def _bases(self, item, operation):
        servers = self._servers or operation.get("servers") or item.get("servers")
        for server in servers or self._document.root.get("servers") or [{"url": "/"}]:
            pattern = ""
            for literal, name in re.findall(r"([^{]*)(?:\{([^}]*)\})?", server["url"].rstrip("/")):
                pattern += re.escape(literal)
                if name:
                    values = server.get("variables", {}).get(name, {}).get("enum")
                    # Of a variable that a host or path is made of.
                    pattern += f"(?:{'|'.join(map(re.escape, values))})" if values else "[^/]+"
            yield pattern if "//" in server["url"] else "https?://[^/]+" + pattern

    def _find(self, method, url, say):
        at = f"{url.scheme}://{url.netloc}{url.path}"
        paths = self._document.root.get("paths", {})
        elsewhere, other_methods = set(), []
        # A literal path goes before one with parameters (OpenAPI, "Paths Object").
        for template in sorted(paths, key=lambda t: (t.count("{"), t)):
            item = self._document.resolve(paths[template])
            operation = self._document.resolve(item.get(method))
            names = re.findall(r"\{([^}]*)\}", template)
            pattern = re.sub(r"\\\{[^}]*\\\}", "([^/]+)", re.escape(template.split("?")[0]))
            if template == "/":
                pattern = "/?"  # means the server's URL itself where that has a path
            for base in self._bases(item, operation or {}):
                match = re.fullmatch(base + pattern, at)
                if match and operation is not None:
                    return template, item, operation, list(zip(names, match.groups()))
                if match:
                    other_methods.append(template)
            if operation is not None and re.fullmatch("https?://[^/]+.*?" + pattern, at):
                elsewhere.add(template)
        if other_methods:
            say(f"method {method.upper()}: not of {other_methods[0]}")
        elif elsewhere:
            base = f"{url.scheme}://{url.netloc} with {url.path}"
            say(f"server: {base} is no server's base and {min(elsewhere)}")
        else:
            say(f"path: {url.path} is none of the document")
        return None

    # --- values -----------------------------------------------------------------------------------

    def _fitting(self, schema, text):
        """The reading of a text that its schema takes, or the text."""
        for value in readings(text):
            if not self._schemas.violations(schema, value):
                return value
        return text

    def _is_array(self, schema):
        """Whether a schema takes an array of anything."""
        schema = self._document.resolve(schema)
        if not isinstance(schema, dict):
            return True
        if "type" in schema:
            types = schema["type"]
            return "array" in ([types] if isinstance(types, str) else types)
        parts = [p for word in ("anyOf", "oneOf", "allOf") for p in schema.get(word, ())]
        return any(self._is_array(part) for part in parts) if parts else True

    def _parameter(self, parameter, texts, where, verdict):
        schema = parameter.get("schema")
        if schema is None:
            schema = next(iter(parameter.get("content", {"": {}}).values())).get("schema", True)
        if len(texts) > 1 and not self._is_array(schema):
            verdict.violations.append(f"{where}: given {len(texts)} times")
        elif len(texts) > 1:
            items = self._document.resolve(schema).get("items", True)
            values = [self._fitting(items, text) for text in texts]
            verdict.violations += self._schemas.violations(schema, values, where)
        else:
            value = self._fitting(schema, texts[0])
            if isinstance(schema, dict) and self._document.resolve(schema).get("type") == "array":
                value = [value]
            verdict.violations += self._schemas.violations(schema, value, where)

    def _path(self, values, declared, verdict):
        for name, raw in values:
            try:
                text = percent_decoded(raw)
            except Malformed as error:
                verdict.violations.append(f"path {name}: {error}")
                continue
            verdict.strings.append(text)
            if ("path", name) not in declared:
                verdict.violations.append(f"path {name}: not declared")
            else:
                self._parameter(declared["path", name], [text], f"path {name}", verdict)

    def _query(self, query, declared, credentials, verdict):
        given = {}
        try:
            for name, value in pairs(query):
                given.setdefault(name, []).append(value)
                verdict.strings.append(value)
        except Malformed as error:
            verdict.violations.append(f"query: {error}")
        for name, values in given.items():
            if ("query", name) in declared:
                self._parameter(declared["query", name], values, f"query {name}", verdict)
            elif name not in credentials:
                verdict.violations.append(f"query {name}: not declared")
        for (place, name), parameter in declared.items():
            if place == "query" and parameter.get("required") and name not in given:
                verdict.violations.append(f"query {name}: required, but missing")

    # --- headers ----------------------------------------------------------------------------------

    def _headers(self, request, say):
        headers = {}
        for line in request.headers:
            match = re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([ -~]*)", line)
            if not match:
                say("header: not a line of name and printable value")
                continue
            name = match[1].lower()
            if name in headers:
                say(f"header {match[1]}: twice")
            headers[name] = match[2]
        credentials = headers.get("authorization")
        if credentials is not None and credentials.startswith("Basic "):
            try:
                user, colon, _ = base64.b64decode(credentials[6:], validate=True).partition(b":")
                if not user or not colon:
                    say("header Authorization: not of the form user:password")
            except binascii.Error:
                say("header Authorization: no base64")
        return headers

    def _declared_headers(self, headers, declared, operation, say):
        known = {name.lower(): p for (place, name), p in declared.items() if place == "header"}
        for scheme in self._schemes(operation):
            if scheme.get("in") == "header":
                known.setdefault(scheme["name"].lower(), {})
        for name, value in headers.items():
            if name in known and known[name] and name not in USUAL_HEADERS:
                verdict = Verdict()
                self._parameter(known[name], [value], f"header {name}", verdict)
                for violation in verdict.violations:
                    say(violation)
            elif name not in known and name not in USUAL_HEADERS:
                say(f"header {name}: not declared")
        for name, parameter in known.items():
            if parameter.get("required") and name not in headers and name != "accept":
                say(f"header {name}: required, but missing")

    def _requirements(self, operation):
        """The alternatives, each a list of schemes."""
        schemes = self._document.root.get("components", {}).get("securitySchemes", {})
        for alternative in operation.get("security", self._document.root.get("security", [])):
            yield [self._document.resolve(schemes[n]) for n in alternative if n in schemes]

    def _schemes(self, operation):
        return [scheme for wanted in self._requirements(operation) for scheme in wanted]

    def _credentials(self, operation, headers, url, say):
        """Looks for what one of the alternatives wants; the names of fields in the query it may."""
        in_query = {s["name"] for s in self._schemes(operation) if s.get("in") == "query"}

        def is_there(scheme):
            authorization = headers.get("authorization", "")
            if scheme["type"] == "apiKey":
                if scheme["in"] == "query":
                    return f"{scheme['name']}=" in url.query
                return bool(headers.get(scheme["name"].lower()))
            if scheme["type"] == "http":
                return authorization.lower().startswith(scheme["scheme"].lower() + " ")
            return authorization.startswith("Bearer ")

        wanted = list(self._requirements(operation))
        if wanted and not any(all(map(is_there, schemes)) for schemes in wanted):
            say("credentials: not those of a security scheme")
        return in_query

    # --- body -------------------------------------------------------------------------------------

    def _body(self, request, headers, operation, verdict):
        say = verdict.violations.append
        declared = self._document.resolve(operation.get("requestBody"))
        if declared is None:
            if request.body:
                say("body: not declared")
            return
        if not request.body:
            if declared.get("required"):
                say("body: required, but missing")
            return
        media, _, parameters = headers.get("content-type", "").partition(";")
        media = media.strip().lower()
        if parameters.strip().lower() not in ("", "charset=utf-8"):
            say(f"header Content-Type: parameters {parameters.strip()}")
        content = {
            name.partition(";")[0].strip().lower(): member
            for name, member in declared["content"].items()
        }
        if media not in content:
            say(f"header Content-Type: {media or 'missing'}, but declared: {', '.join(content)}")
            return
        schema = content[media].get("schema", True)
        try:
            if media == FORM:
                value = self._form(request.body.decode("ascii"), schema, verdict)
            else:
                value = strict_json(request.body)
        except (Malformed, UnicodeDecodeError) as error:
            say(f"body: {error}")
            return
        verdict.strings += strings_in(value)
        verdict.violations += self._schemas.violations(schema, value, "body")

    def _form(self, text, schema, verdict):
        given = {}
        for name, value in pairs(text):
            given.setdefault(name, []).append(value)
        declared = self._property_schemas(schema)
        form = {}
        for name, values in given.items():
            member = declared.get(name, [True])
            arrays = [s for s in member if self._is_array(s)]
            if len(values) > 1 and not (name in declared and arrays):
                verdict.violations.append(f"body/{name}: given {len(values)} times")
            options = [list(readings(value)) for value in values]
            candidates = [] if len(values) > 1 else options[0]
            candidates = candidates + [list(combined) for combined in product(*options)]
            form[name] = next(
                (c for c in candidates if not any(self._schemas.violations(s, c) for s in member)),
                values[0] if len(values) == 1 else values,
            )
        return form

    def _property_schemas(self, schema, depth=0):
        """The schemas of each property, wherever in the schema of a form they are declared."""
        found = {}
        schema = self._document.resolve(schema)
        if not isinstance(schema, dict) or depth > 20:
            return found
        for name, member in schema.get("properties", {}).items():
            found.setdefault(name, []).append(member)
        for part in schema.get("allOf", ()):
            for name, members in self._property_schemas(part, depth + 1).items():
                found.setdefault(name, []).extend(members)
        for word in ("anyOf", "oneOf"):
            for part in schema.get(word, ()):
                # Any branch's will do to read a text; whether it fits is checked with the whole.
                for name, members in self._property_schemas(part, depth + 1).items():
                    found.setdefault(name, members)
        return found


__all__ = ["Api", "Request", "Unreadable", "Verdict"]
