"""A VNFM that the suite starts: it is waited for, shown when it dies, and gone at the end with all that it started."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import threading
from pathlib import Path

import pytest

from fenix_conformance.vnfm.interruption import Interrupted, Interruption
from fenix_conformance.vnfm.knocking import refusal
from fenix_conformance.vnfm.subject_process import CommandInvalid, SubjectLost, SubjectProcess

LISTENS = """\
import signal, socket, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); signal.pause()"])
open(sys.argv[2], "w").write(str(child.pid))
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
signal.pause()
"""


@pytest.fixture
def address() -> tuple[str, int]:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[:2]


def subject(command: str, address: tuple[str, int], timeout: float = 10.0) -> SubjectProcess:
    return SubjectProcess(command, address, timeout, Interruption())


def script(folder: Path, text: str) -> str:
    path = folder / "vnfm.py"
    path.write_text(text)
    return f"{sys.executable} {path}"


def is_gone(pid: int, seconds: float = 5.0) -> bool:
    """Whether that process has ended, or does so soon."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


@pytest.mark.slow  # it waits until a stubborn child is killed
def test_it_listens_after_start_and_is_gone_after_stop_with_its_children(tmp_path, address):
    command = f"{script(tmp_path, LISTENS)} {address[1]} {tmp_path / 'child'}"
    with subject(command, address) as one:
        one.start()
        assert refusal(address) is None
        assert one.output == "ready"
        child, pid = int((tmp_path / "child").read_text()), one.pid
        assert pid is not None
    assert refusal(address) is not None
    assert is_gone(pid)
    assert is_gone(child)


def test_one_that_dies_is_shown_with_its_last_words(tmp_path, address):
    command = script(tmp_path, "import sys\nprint('no licence', file=sys.stderr)\nsys.exit(3)\n")
    with subject(command, address) as one, pytest.raises(SubjectLost, match="ended with status 3") as raised:
        one.start()
    assert raised.value.output == "no licence"


def test_one_that_never_listens_is_not_waited_for_for_ever(tmp_path, address):
    with (
        subject(script(tmp_path, "import signal\nsignal.pause()\n"), address, 0.3) as one,
        pytest.raises(SubjectLost, match=r"nobody listens at 127\.0\.0\.1:\d+ 0\.3 s after"),
    ):
        one.start()


def test_whoever_listens_there_already_is_not_judged_in_its_place(tmp_path):
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        subject(script(tmp_path, ""), other.getsockname()[:2]) as one,
        pytest.raises(SubjectLost, match="somebody else listens"),
    ):
        one.start()


def test_it_can_be_started_again_after_it_died(tmp_path, address):
    once = "import socket, sys\nlistener = socket.create_server(('127.0.0.1', int(sys.argv[1])))\nlistener.accept()\n"
    with subject(f"{script(tmp_path, once)} {address[1]}", address) as one:
        one.start()
        assert one.pid is not None
        first = one.pid
        with contextlib.suppress(OSError):
            socket.create_connection(address, 1).close()
        assert is_gone(first)
        assert one.end == "status 0"
        one.start_again()
        assert one.pid != first


@pytest.mark.parametrize("command", ["", "   ", "no-such-vnfm --port 1", "vnfm 'unclosed"])
def test_a_command_that_cannot_be_run_is_refused(command, address):
    with pytest.raises(CommandInvalid), subject(command, address) as one:
        one.start()


def test_an_interruption_ends_the_wait(tmp_path, address):
    interruption = Interruption()
    command = script(tmp_path, "import signal\nsignal.pause()\n")
    with SubjectProcess(command, address, 60.0, interruption) as one:
        threading.Timer(0.1, interruption.interrupt).start()
        with pytest.raises(Interrupted):
            one.start()
