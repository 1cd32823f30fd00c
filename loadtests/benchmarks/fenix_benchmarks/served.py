"""`serve` itself: which server it runs on, and a round of each kind of work."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import serving
from generator import Figures, Request, measure

from fenix_benchmarks.processes import NotStarted, end
from fenix_benchmarks.works import Work, Wrong, ask, check

#: WSGI servers that a process may turn out to run on.
_KNOWN = (
    "granian",
    "waitress",
    "cheroot",
    "gunicorn",
    "uvicorn",
    "hypercorn",
    "bjoern",
    "socketify",
    "werkzeug.serving",
)


def running_on(seconds: float = 30.0) -> list[str]:
    """The WSGI servers that a `serve` has loaded by the time it answers: it is started and its imports are read.
    Errors: NotStarted."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "ready.json")
        command = [sys.executable, "-X", "importtime", "-m", "fenix_simulator", "serve", "--port", "0"]
        with Path(folder, "imports").open("w+") as imports:
            process = subprocess.Popen(
                [*command, "--ready-file", str(ready)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=imports,
                start_new_session=True,
            )
            try:
                if not _until(ready.exists, process, seconds):
                    raise NotStarted("fenix-simulator serve did not come to be ready")
            finally:
                end(process)
            imports.seek(0)
            return loaded(imports.read())


def loaded(imports: str) -> list[str]:
    """The servers among the modules that ``-X importtime`` told of. Werkzeug's own comes with Flask and counts only
    where there is no other."""
    modules = {line.rpartition("|")[2].strip() for line in imports.splitlines() if line.startswith("import time:")}
    found = [name for name in _KNOWN if name in modules]
    return [name for name in found if name != "werkzeug.serving"] or found


@contextlib.contextmanager
def work_on(work: Work) -> Iterator[tuple[Callable[[float], Figures], int]]:
    """A `serve` with a session, checked; what measures a round of so many seconds of the work, and its process.
    Errors: Wrong."""
    replies = work.method == "PUT"
    with serving.serve(100 if replies else 3, work.instances) as served:
        listed = Request("GET", served.path())
        check(served.url, listed, Work("", work.title, "GET", work.instances), ids=work.instances)
        if not replies:
            yield lambda seconds: measure(served.url, [listed], pid=served.pid, seconds=seconds), served.pid
            return
        _check_replies(served, work)
        rounds = serving.Replies(served)
        yield rounds.round, served.pid


def _check_replies(served: serving.Served, work: Work) -> None:
    """A reply is taken, one of another state is refused."""
    reply = served.reply()
    check(served.url, reply, work)
    status, _ = ask(served.url, Request("PUT", reply.path, reply.body.replace("ACK_MAINTENANCE", "ACK_SCALE_IN")))
    if status < 400:
        raise Wrong(f"serve answers a reply of another state {status}")


def _until(condition: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for a condition while the process runs."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            return condition()
    return True
