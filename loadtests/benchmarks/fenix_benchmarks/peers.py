"""The others: how each is installed, started and made to answer the work, in the way that is best for it.

They answer canned bytes; none of them keeps a session. Logs are off or go to a file, recordings are off.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from generator import Request
from serving import free_port

from fenix_benchmarks import ROOT
from fenix_benchmarks.cache import Cache, Unavailable, tool
from fenix_benchmarks.works import WORKS, Work, ask

APPS = Path(__file__).parent / "apps"

#: Threads of the bare servers, as many as `serve` has.
_THREADS = 16


@dataclass(frozen=True, slots=True)
class Start:
    """How to start a server: its name with the version, the command, what has to be done once it answers, and what it
    is asked instead of the project API's paths."""

    version: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[str], None] | None = None
    request: Callable[[Work], Request] = lambda work: work.request


@dataclass(frozen=True, slots=True)
class Peer:
    """A server to compare with. ``plan`` installs it and writes what it needs into a folder, for a port; it raises
    Unavailable."""

    name: str
    note: str
    plan: Callable[[Cache, Path, int], Start]
    #: Rounds at most until it is warm; a JVM takes longest.
    warm: int = 5


def answers() -> dict[str, dict[str, str]]:
    """The canned answers: by path, by method."""
    told: dict[str, dict[str, str]] = {}
    for work in WORKS:
        told.setdefault(work.path, {})[work.method] = work.answer
    return told


def bare(server: str) -> Peer:
    """A WSGI callable with constant bytes, on that server."""

    def unknown(_cache: Cache, _folder: Path, _port: int) -> Start:
        raise Unavailable(f"no way is known to start it; it can be started on {', '.join(_BARE)}")

    return Peer(f"bare on {server}", "a WSGI callable with constant bytes", _BARE.get(server, unknown))


def _bare_waitress(cache: Cache, _folder: Path, port: int) -> Start:
    python, version = _with_server(cache, "waitress", "3.0.2")
    options = [f"--listen=127.0.0.1:{port}", f"--threads={_THREADS}", "bare:app"]
    return _bare(f"waitress {version}", [python, "-m", "waitress", *options])


def _bare_granian(cache: Cache, _folder: Path, port: int) -> Start:
    python, version = _with_server(cache, "granian", "2.8.9")
    options = [
        *("--interface", "wsgi", "--workers", "1", "--blocking-threads", str(_THREADS), "--port", str(port)),
        *("--no-access-log", "--log-level", "error", "bare:app"),
    ]
    return _bare(f"granian {version}", [python, "-m", "granian", *options])


def _with_server(cache: Cache, package: str, version: str) -> tuple[str, str]:
    """A Python that has the WSGI server, and its version: our own, where `serve` may run on it, or one of the cache."""
    if importlib.util.find_spec(package) is not None:
        return sys.executable, importlib.metadata.version(package)
    return str(cache.python(package, [f"{package}=={version}"]) / "python"), version


def _bare(version: str, command: Sequence[str]) -> Start:
    return Start(version, command, {"PYTHONPATH": str(APPS), "BARE_ANSWERS": json.dumps(answers())})


_BARE = {"waitress": _bare_waitress, "granian": _bare_granian}


def _wiremock(cache: Cache, folder: Path, port: int) -> Start:
    java = tool("java")
    version = "3.13.2"
    jar = next(cache.npm("wiremock", version).glob("build/wiremock-standalone-*.jar"), None)
    if jar is None:
        raise Unavailable(f"the npm package wiremock {version} has no jar")
    (folder / "mappings").mkdir()
    for number, (path, method, text) in enumerate(_each()):
        mapping = {
            "request": {"method": method, "urlPath": path},
            "response": {"status": 200, "body": text, "headers": {"Content-Type": "application/json"}},
        }
        (folder / "mappings" / f"{number}.json").write_text(json.dumps(mapping))
    options = ["--no-request-journal", "--disable-banner", "--bind-address", "127.0.0.1", "--root-dir", str(folder)]
    return Start(f"WireMock {version}", [java, "-jar", str(jar), "--port", str(port), *options])


def _prism(cache: Cache, folder: Path, port: int) -> Start:
    version = "5.16.0"
    command = cache.npm("@stoplight/prism-cli", version) / "dist" / "index.js"
    document = folder / "openapi.json"
    document.write_text(json.dumps(_with_examples(yaml.safe_load((ROOT / "openapi.yaml").read_text()))))
    options = ["--host", "127.0.0.1", "--port", str(port), "--verboseLevel", "silent", str(document)]
    return Start(f"Prism {version}", [tool("node"), str(command), "mock", *options])


def _with_examples(contract: dict[str, Any]) -> dict[str, Any]:
    """Our contract, with the work's paths in the place of the template's and one example for each answer."""
    (template,) = contract["paths"].values()
    paths: dict[str, Any] = {}
    for path, method, text in _each():
        operation = json.loads(json.dumps(template[method.lower()]))
        operation["responses"]["200"]["content"]["application/json"].pop("examples", None)
        operation["responses"]["200"]["content"]["application/json"]["example"] = json.loads(text)
        operation["responses"]["200"].pop("links", None)
        paths.setdefault(path, {})[method.lower()] = operation
    return {**contract, "paths": paths, "webhooks": {}}


def _mountebank(cache: Cache, folder: Path, port: int) -> Start:
    version = "2.9.1"
    command = cache.npm("mountebank", version) / "bin" / "mb"
    stubs = [
        {
            "predicates": [{"equals": {"method": method, "path": path}}],
            "responses": [{"is": {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": text}}],
        }
        for path, method, text in _each()
    ]
    imposter = {"protocol": "http", "port": port, "stubs": stubs, "defaultResponse": {"statusCode": 404}}
    (folder / "imposters.json").write_text(json.dumps({"imposters": [imposter]}))
    options = ["--configfile", "imposters.json", "--nologfile", "--loglevel", "error", "--localOnly"]
    options += ["--port", str(free_port())]
    return Start(f"mountebank {version}", [tool("node"), str(command), "start", *options])


def _moto(cache: Cache, _folder: Path, port: int) -> Start:
    version = "5.2.5"
    command = cache.python("moto", [f"moto[server,s3]=={version}"]) / "moto_server"

    def prepare(url: str) -> None:
        for request in (Request("PUT", "/bench"), *(_object(work, "PUT", work.answer) for work in WORKS)):
            # Whoever asks has no key, as in the work itself.
            status, body = ask(url, request, {"x-amz-acl": "public-read-write"})
            if status != 200:
                raise Unavailable(f"moto answers {request.method} {request.path} {status}: {body[:100]!r}")

    return Start(
        f"moto {version}",
        [str(command), "-H", "127.0.0.1", "-p", str(port)],
        prepare=prepare,
        request=lambda work: _object(work, work.method, work.request.body),
    )


def _object(work: Work, method: str, body: str) -> Request:
    return Request(method, f"/bench/{work.name}", body)


def _httpserver(cache: Cache, _folder: Path, port: int) -> Start:
    version = "1.2.0"
    python = cache.python("pytest-httpserver", [f"pytest-httpserver=={version}"]) / "python"
    script = APPS / "canned_httpserver.py"
    return Start(f"pytest-httpserver {version}", [str(python), str(script), str(port), json.dumps(answers())])


def _each() -> list[tuple[str, str, str]]:
    """Path, method and text of each canned answer."""
    return [(path, method, text) for path, methods in answers().items() for method, text in methods.items()]


OTHERS = (
    Peer("WireMock", "no request journal, warmed to a plateau", _wiremock, warm=15),
    Peer("mountebank", "no log file, nothing recorded", _mountebank),
    Peer("Prism", "our openapi.yaml, one example for each answer, silent", _prism),
    Peer("moto", "objects of the same size in S3; its answer to a PUT is empty", _moto),
    Peer("pytest-httpserver", "canned data", _httpserver),
)


def chosen(names: Sequence[str], servers: Sequence[str]) -> list[Peer]:
    """The peers of those names, all without any; ``servers`` are the WSGI servers that the bare callable runs on.
    Raises ValueError for a name that nobody has."""
    every = [*(bare(server) for server in dict.fromkeys([*servers, "granian"])), *OTHERS]
    known = {peer.name.replace(" ", "-").lower(): peer for peer in every}
    for name in names:
        if name.lower() not in known:
            raise ValueError(f"there is no peer {name!r}; there are: {', '.join(known)}")
    return [known[name.lower()] for name in dict.fromkeys(names)] if names else every
