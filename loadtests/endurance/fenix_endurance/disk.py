"""A full disk and a read-only journal: replies are refused, and not accepted and lost; the server says why."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from fenix_endurance import clients
from fenix_endurance.clients import Tally
from fenix_endurance.server import NotStarted, Serve, Wire, cloud, without_override

PROJECTS = 100


def run(folder: Path, *, short: bool, say: Callable[[str], None]) -> list[str]:
    """What did not hold."""
    wrong = []
    for room in (64,) if short else (16, 64, 128):
        place = folder / f"full-{room}"
        place.mkdir()
        wrong += _full(place, room * 1024, say)
    place = folder / "read-only"
    place.mkdir()
    return wrong + _read_only(place, say)


def _full(folder: Path, room: int, say: Callable[[str], None]) -> list[str]:
    """There is room for ``room`` bytes more once the sessions have begun, and later there is enough."""
    wrong = []
    journal = folder / "run.db"
    server = Serve(folder, "--journal", str(journal), "--alarm-url", clients.NOBODY, *cloud(PROJECTS, 1))
    tally = Tally()
    try:
        projects = server.start()["projects"]
        with server.connect() as wire:
            sessions = [clients.begin(wire, tally) for _ in range(2)]
            for session_id in sessions:
                _delivered(wire, session_id)
            server.limit_files(max(one.stat().st_size for one in folder.glob("run.db*")) + room)
            for session_id in filter(None, sessions):
                for project in projects[:-1]:
                    # What is refused has a second chance to be accepted and lost.
                    if not clients.reply(wire, tally, session_id, project):
                        clients.reply(wire, tally, session_id, project)
            if not (tally.accepted and tally.problems):
                return [f"with room for {room} bytes answers were {dict(tally.answers)}, which shows nothing"]
            told = tally.problems[-1]
            health, _ = wire.ask("GET", "/simulator/v1/health")
        if set(tally.answers) - {200, 503}:
            wrong.append(f"answers were {dict(tally.answers)}, and not 200 or 503")
        if str(journal) not in str(told.get("detail")):
            wrong.append(f"the refusal does not name the journal: {told}")
        if str(journal) not in server.log.read_text():
            wrong.append("the server's log does not say that the journal could not be written")
        if health != 200:
            wrong.append(f"the server's health is answered {health}")
        say(f"room for {room} bytes: answers {dict(tally.answers)}; {told.get('detail')}")
        refused = sorted(set(tally.refused) - set(tally.accepted))
        with server.connect() as wire:
            found, _ = clients.accepted(wire, 0)
            if kept := found & set(refused):
                wrong.append(f"{len(kept)} refused replies were accepted all the same")
            server.limit_files()
            again = Tally()
            for session_id, project, _ in refused:
                clients.reply(wire, again, session_id, project)
            if set(again.answers) - {200}:
                wrong.append(f"with room again, what was refused is answered {dict(again.answers)}")
            session_id = clients.begin(wire, again)
            if not _delivered(wire, session_id):
                wrong.append("with room again, no alarm of a new session is sent")
        server.stop(signal.SIGKILL)
        server.start()
        with server.connect() as wire:
            found, _ = clients.accepted(wire, 0)
            lost = {*tally.accepted, *again.accepted} - found
            wrong += [f"the reply {one} was answered 200 and is lost" for one in sorted(lost)[:5]]
        say(
            f"    with room again: {len(again.accepted)} that were refused are accepted; "
            f"after kill -9: {len(found)} are there, {len(lost)} lost"
        )
    finally:
        server.stop()
    return wrong


def _delivered(wire: Wire, session_id: str | None) -> bool:
    """Whether the alarms of the session are tried, each once and in vain."""
    after, count = 0, 0
    path = f"/simulator/v1/journal?kind=delivery&session_id={session_id}&limit=1000&wait=20"
    while count < PROJECTS:
        page = wire.get(f"{path}&after={after}")
        if not page["entries"]:
            return False
        count, after = count + len(page["entries"]), page["next"]
    return True


def _read_only(folder: Path, say: Callable[[str], None]) -> list[str]:
    """A journal that cannot be written is none to start with, whether its file or its folder does not let it."""
    wrong = []
    journal = folder / "run.db"
    server = Serve(folder.parent, "--journal", str(journal), *cloud(PROJECTS, 1))
    server.start()
    server.stop()
    before = journal.read_bytes()
    for what, path, mode in (("file", journal, 0o444), ("folder", folder, 0o555)):
        usual = path.stat().st_mode
        path.chmod(mode)
        server.log.write_text("")
        try:
            server.start(without_override)
        except NotStarted as error:
            said = error.said.strip()
            say(f"read-only {what}: exit {error.code}: {said}")
            if error.code != 2 or "\n" in said or str(journal) not in said:
                wrong.append(f"read-only {what}: exit {error.code}, and said was: {said}")
        else:
            wrong.append(f"read-only {what}: the server started all the same")
            server.stop()
        finally:
            path.chmod(usual)
    if journal.read_bytes() != before:
        wrong.append("the read-only journal has changed")
    return wrong
