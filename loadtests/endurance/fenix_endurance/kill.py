"""kill -9 under load, again and again on one journal: no accepted reply is lost, and no session."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from fenix_endurance import clients
from fenix_endurance.clients import Tally
from fenix_endurance.server import Serve, cloud

CLIENTS = 4
PROJECTS = 100


def run(folder: Path, *, short: bool, say: Callable[[str], None]) -> list[str]:
    """What did not hold."""
    times = 3 if short else 20
    server = Serve(folder, "--journal", str(folder / "run.db"), "--alarm-url", clients.NOBODY, *cloud(PROJECTS, 1))
    moments = random.Random(times)
    wrong: list[str] = []
    checked, total = 0, 0
    projects = server.start()["projects"]
    try:
        for number in range(1, times + 1):
            tally = Tally()
            load = [threading.Thread(target=_replies, args=(server, tally, projects)) for _ in range(CLIENTS)]
            for one in load:
                one.start()
            threading.Event().wait(moments.uniform(0.3, 1.2))
            server.stop(signal.SIGKILL)
            for one in load:
                one.join()
            server.start()
            with server.connect() as wire:
                found, checked = clients.accepted(wire, checked)
                lost = set(tally.accepted) - found
                gone = set(tally.sessions) - clients.known(wire)
                # The session knows it as well: the same again is 200, and changes nothing.
                wrong += [
                    f"kill {number}: {one} was accepted and is refused when it is repeated"
                    for one in tally.accepted[-CLIENTS:]
                    if not clients.reply(wire, Tally(), one[0], one[1])
                ]
                for session_id in tally.sessions:
                    wire.ask("DELETE", f"/v1/maintenance/{session_id}")
            total += len(tally.accepted)
            wrong += [f"kill {number}: the reply {one} was answered 200 and is lost" for one in sorted(lost)[:5]]
            wrong += [f"kill {number}: session {one} was answered 200 and is gone" for one in sorted(gone)[:5]]
            if set(tally.answers) - {200}:
                wrong.append(f"kill {number}: answers were {dict(tally.answers)}")
            say(f"kill {number}: {len(tally.accepted)} replies accepted, {len(lost)} lost; {len(gone)} sessions gone")
        say(f"{times} kills, {total} accepted replies")
        if total < times:
            wrong.append("hardly any reply was accepted before the kills, which shows nothing")
    finally:
        server.stop()
    return wrong


def _replies(server: Serve, tally: Tally, projects: list[str]) -> None:
    """Begin sessions and reply in them until the server is gone. The last project never does."""
    try:
        with server.connect() as wire:
            while (session_id := clients.begin(wire, tally)) is not None:
                for project in projects[:-1]:
                    clients.reply(wire, tally, session_id, project)
    except OSError:
        return
