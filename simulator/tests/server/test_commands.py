"""The command ``fenix-simulator`` as people meet it: a process with arguments, an environment and two streams."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

SOON = 60.0
#: As the installed command is.
RUN = [sys.executable, "-m", "fenix_simulator"]
URL = "http://127.0.0.1:9/maintenance"

COMMANDS = [
    [],
    ["serve"],
    ["demo"],
    ["trigger"],
    ["scenario"],
    *(["scenario", name] for name in ("list", "show", "validate", "new")),
    ["journal"],
    *(["journal", name] for name in ("show", "export")),
    ["version"],
]
#: What takes long to import, and has no part in saying how a command is used.
HEAVY = {"flask", "werkzeug", "faker", "pydantic", "schemathesis", "hypothesis", "waitress", "urllib3", "yaml", "rich"}

BROKEN = {
    "wrong.yaml": b"version: 1\ninventory: {hosts: 4, projects: 2, instances_per_project: 6, spares: 1}\n",
    "list.yaml": b"- 1\n",
    "half.yaml": b"version: 1\ninventory: {hosts: [\n",
    "bytes.yaml": bytes(range(256)),
    "empty.yaml": b"",
    "text.db": b"this is no journal, and no database either" * 100,
    "text.json": b"{",
}

#: Arguments, and what the one line says. {…} are files of the folder that the fixture ``folder`` makes.
WRONG = [
    (["nonsense"], "No such command 'nonsense'"),
    (["serve", "--nonsense"], "No such option"),
    (["serve", "more"], "unexpected extra argument"),
    (["serve", "--port", "http"], "'--port'"),
    (["serve", "--port", "65536"], "0<=x<=65535"),
    (["serve", "--port", "-1"], "0<=x<=65535"),
    (["serve", "--port", "{taken}"], "cannot listen on 127.0.0.1, port {taken}: Address already in use"),
    (["serve", "--host", "no-such-host.invalid", "--admin-token", "t"], "cannot listen on no-such-host.invalid"),
    (["serve", "--host", "203.0.113.1", "--admin-token", "t"], "cannot listen on 203.0.113.1"),
    (["serve", "--admin-token", "t "], "a token cannot be empty"),
    (["serve", "--project-token", "secret"], "PROJECT=TOKEN"),
    (["serve", "--project-token", "nobody=secret"], "there is no project 'nobody'"),
    (["serve", "--time", "fast"], "say real, scaled:N, auto or manual"),
    (["serve", "--time", "scaled"], "scaled:60"),
    (["serve", "--time", "scaled:0"], "greater than 0"),
    (["serve", "--time", "scaled:inf"], "greater than 0"),
    (["serve", "--time", "auto:2"], "only scaled takes a number"),
    (["serve", "--reply-window", "20"], "'20' is not a duration like 90s"),
    (["serve", "--reply-window", "0s"], "longer than nothing"),
    (["serve", "--reply-window", "99999d"], "longer than 36500d"),
    (["serve", "--own-action-window", "0s"], "longer than nothing"),
    (["serve", "--project-id", "a b"], "'a b' is no id of a project"),
    (["serve", "--project-id", "a", "--project-id", "a"], "'a' is the id of project 1 already"),
    (["serve", "--base-path", "maintenance"], "'maintenance' is no path like /maintenance/7f3a"),
    (["serve", "--public-url", "fenix.example"], "such as http://127.0.0.1:8080"),
    (["serve", "--public-url", "http://" + "x" * 200], "at most 255 characters"),
    (["serve", "--shard", "first"], "is no i/n, such as 1/4"),
    (["serve", "--shard", "0/4"], "numbered from 1/4 to 4/4"),
    (["serve", "--shard", "5/4"], "numbered from 1/4 to 4/4"),
    (["serve", "--alarm-timeout", "0ms"], "longer than nothing"),
    (["serve", "--delivery", "twice"], "'aodh' (one attempt) or 'retry:'"),
    (["serve", "--delivery", "retry:5"], "'5' is not a duration"),
    (["serve", "--scenario", "nonsense"], "neither a file nor a bundled scenario"),
    (["serve", "--scenario", "{folder}/wrong.yaml"], "wrong.yaml:2: inventory.spares: is not a member here"),
    (["serve", "--scenario", "{folder}/list.yaml"], "list.yaml:1: a scenario is a mapping"),
    (["serve", "--scenario", "{folder}/half.yaml"], "half.yaml:3: not YAML"),
    (["serve", "--scenario", "{folder}/bytes.yaml"], "not UTF-8"),
    (["serve", "--scenario", "{folder}/empty.yaml"], "empty.yaml:1"),
    (["serve", "--scenario", "{folder}"], "Is a directory"),
    (["serve", "--seed", "-1"], "'--seed'"),
    (["serve", "--seed", "1e3"], "not a valid integer"),
    (["serve", "--hosts", "0"], "x>=1"),
    (["serve", "--hosts", "1"], "leaves none for the instances"),
    (["serve", "--behaviour", "polite"], "'strict', 'upstream'"),
    (["serve", "--dialect", "latin"], "'map', 'per-instance'"),
    (["serve", "--default", "hope"], "'migrate', 'fail'"),
    (["serve", "--threads", "1"], "2<=x<=256"),
    (["serve", "--format", "xml"], "'text', 'json'"),
    (["serve", "--journal", "{folder}/text.db"], "is not a journal"),
    (["serve", "--journal", "{folder}/other.db"], "but not a journal of fenix-simulator"),
    (["serve", "--journal", "{folder}/nowhere/run.db"], "there is no directory"),
    (["serve", "--journal", "{folder}"], "is a directory"),
    (["serve", "--ready-file", "{folder}/nowhere/ready.json"], "nowhere/ready.json: No such file or directory"),
    (["serve", "--alarm-url", "vnfm:9000"], "the alarm URL"),
    (["serve", "--alarm-url", "ftp://127.0.0.1/"], "scheme is 'ftp'"),
    (["serve", "--alarm-url", "http://me:secret@127.0.0.1/"], "carries a user name or password"),
    (["serve", "--alarm-url", "http://169.254.169.254/latest"], "link-local"),
    (["serve", "--alarm-url", f"nobody={URL}"], "there is no project 'nobody'"),
    (["serve", "--allow-target", "10.0.0.0/99"], "neither a network"),
    (["demo", "--time", "slowly"], "is no time mode"),
    (["demo", "--limit", "0s"], "longer than nothing"),
    (["demo", "--scenario", "{folder}/wrong.yaml"], "spares"),
    (["demo", "--journal", "{folder}/text.db"], "is not a journal"),
    (["trigger", "MAINTENANCE"], "--alarm-url is missing"),
    (["trigger", "--alarm-url", URL], "STATE is missing"),
    (["trigger", "MAINTENANCE", "--alarm-url", "nonsense"], "the alarm URL"),
    (["trigger", "MAINTENANCE", "--alarm-url", URL, "--set", "colour"], "TRAIT=VALUE"),
    (["trigger", "--raw", "{folder}/nowhere.json", "--alarm-url", URL], "No such file"),
    (["scenario", "show", "nonsense"], "neither a file nor a bundled scenario"),
    (["scenario", "validate", "{folder}/wrong.yaml"], "wrong.yaml:2"),
    (["scenario", "new", "{folder}/wrong.yaml"], "exists already"),
    (["scenario", "new", "--from", "nonsense"], "neither a file nor"),
    (["scenario", "nonsense"], "No such command"),
    (["journal", "show"], "Missing argument 'FILE|URL'"),
    (["journal", "show", "http://127.0.0.1:1"], "no server answers there"),
    (["journal", "show", "{folder}/nowhere.db"], "no such file"),
    (["journal", "show", "{folder}/text.db"], "is not a journal"),
    (["journal", "show", "{folder}/other.db"], "but not a journal"),
    (["journal", "show", "{folder}/other.db", "--kind", "odd"], "'--kind'"),
    (["journal", "export", "{folder}/empty.yaml"], "is empty, not a journal"),
    (["version", "--format", "xml"], "'text', 'json'"),
]


def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    return subprocess.run(
        [*RUN, *arguments],
        capture_output=True,
        text=True,
        timeout=SOON,
        env={**os.environ, **_PATH, **(env or {})},
        stdin=subprocess.DEVNULL,
    )


_PATH = {"PYTHONPATH": os.pathsep.join(sys.path)}


@contextlib.contextmanager
def started(*arguments: str, env: dict[str, str] | None = None):
    """The command, running; it is ended with the block."""
    process = subprocess.Popen(
        [*RUN, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **_PATH, **(env or {})},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with files that no command can use."""
    folder = tmp_path_factory.mktemp("wrong")
    for name, content in BROKEN.items():
        (folder / name).write_bytes(content)
    with contextlib.closing(sqlite3.connect(folder / "other.db")) as other:
        other.execute("CREATE TABLE somebody (elses TEXT)")
    return folder


@pytest.mark.parametrize("command", COMMANDS, ids=[" ".join(["fenix-simulator", *command]) for command in COMMANDS])
def test_help_is_given_with_an_example_and_without_importing_what_is_heavy(command):
    """CPU time, and the best of three, because neighbours make the wall's useless."""
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        told = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "fenix_simulator", *command, "--help"],
            capture_output=True,
            text=True,
            timeout=SOON,
            env={**os.environ, **_PATH},
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if seconds[-1] < 0.6:
            break
    assert told.returncode == 0
    # Between "fenix-simulator" and the words of the command: how it is started here.
    assert "fenix-simulator " + " ".join(command) in told.stdout
    assert not {line.rpartition("|")[2].strip().partition(".")[0] for line in told.stderr.splitlines()} & HEAVY
    assert min(seconds) < 0.6


@pytest.mark.parametrize(("arguments", "says"), WRONG, ids=[" ".join(arguments) for arguments, _ in WRONG])
def test_what_is_wrong_is_one_line_on_stderr_and_exit_2(folder, arguments, says):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = {"folder": folder, "taken": taken.getsockname()[1]}
        done = run(*(argument.format(**words) for argument in arguments))
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert says.format(**words) in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("FENIX_SIM_PORT", "many", "FENIX_SIM_PORT"),
        ("FENIX_SIM_TIME", "later", "is no time mode"),
        ("FENIX_SIM_HOST", "0.0.0.0", "--admin-token"),
        ("FENIX_SIM_PROJECT_TOKEN", "secret", "PROJECT=TOKEN"),
    ],
)
def test_a_wrong_value_in_the_environment_is_one_line_too(variable, value, says):
    done = run("serve", env={variable: value})
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert says in done.stderr
    assert "secret" not in done.stderr


def test_a_command_without_a_subcommand_says_which_there_are():
    for group in ([], ["scenario"], ["journal"]):
        done = run(*group)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Commands:" in done.stderr


def test_options_come_from_the_environment_and_flags_come_before_it():
    env = {"FENIX_SIM_PORT": "0", "FENIX_SIM_SEED": "7", "FENIX_SIM_HOSTS": "6", "FENIX_SIM_PROJECTS": "3"}
    with started("serve", "--format", "json", "--projects", "2", env=env) as process:
        ready = json.loads(process.stdout.readline())
    assert ready["seed"] == 7
    assert len(ready["projects"]) == 2
    assert ready["pid"] == process.pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_server_with_0_and_its_port_is_free_again(number):
    """Also while somebody waits for an answer and somebody else has sent half a request."""
    with started("serve", "--port", "0", "--format", "json") as process:
        address = _address(json.loads(process.stdout.readline())["url"])
        with socket.create_connection(address) as half, socket.create_connection(address) as waiting:
            half.sendall(b"GET / HT")
            waiting.sendall(b"GET /simulator/v1/journal?wait=60&kind=none HTTP/1.1\r\nHost: x\r\n\r\n")
            process.send_signal(number)
            assert process.wait(SOON) == 0
        assert process.stderr.read() == ""
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(address)


def test_the_ready_file_is_replaced_in_one_step_by_a_whole_one(tmp_path):
    file = tmp_path / "ready.json"
    file.write_text("of the server before")
    with file.open() as old, started("serve", "--port", "0", "--format", "json", "--ready-file", str(file)) as process:
        ready = json.loads(process.stdout.readline())
        # Who has the old file open goes on reading that one: nothing is ever written into a file that is read.
        assert old.read() == "of the server before"
        assert json.loads(file.read_text()) == ready
        with socket.create_connection(_address(ready["url"]), timeout=SOON):
            """Connections are taken."""
        assert [one.name for one in tmp_path.iterdir()] == ["ready.json"]
    assert set(ready) == {"url", "aodh_url", "control_url", "projects", "seed", "pid"}


def test_two_servers_do_not_write_one_journal(tmp_path):
    journal = str(tmp_path / "run.db")
    with started("serve", "--port", "0", "--format", "json", "--journal", journal) as process:
        assert process.stdout.readline()
        second = run("serve", "--port", "0", "--journal", journal)
        assert second.returncode == 2
        assert f"is in use by another server (process {process.pid})" in second.stderr
        assert process.poll() is None


def test_a_journal_of_another_cloud_is_not_gone_on_with(tmp_path):
    journal = str(tmp_path / "run.db")
    with started("serve", "--port", "0", "--format", "json", "--journal", journal, "--seed", "1") as process:
        assert process.stdout.readline()
    done = run("serve", "--port", "0", "--journal", journal, "--seed", "2")
    assert done.returncode == 2
    assert "it differs in seed" in done.stderr


def test_what_is_meant_for_programs_is_json_line_by_line(tmp_path):
    journal = str(tmp_path / "run.db")
    serve = ("serve", "--port", "0", "--format", "json", "--start", "--time", "manual", "--journal", journal)
    with started(*serve) as process:
        assert "url" in json.loads(process.stdout.readline())
        assert "session_id" in json.loads(process.stdout.readline())
        process.terminate()
        assert process.wait(SOON) == 0
    for command in (["journal", "show", journal, "--format", "json"], ["journal", "export", journal]):
        lines = [json.loads(line) for line in run(*command).stdout.splitlines()]
        assert [line["number"] for line in lines] == list(range(1, len(lines) + 1))
        assert {"ServerStarted", "SessionCreated"} <= {line["type"] for line in lines}
    assert json.loads(run("version", "--format", "json").stdout)["version"]
    assert {one["name"] for one in json.loads(run("scenario", "list", "--format", "json").stdout)} >= {"happy-path"}
    triggered = run("trigger", "MAINTENANCE", "--alarm-url", URL, "--format", "json")
    assert triggered.returncode == 1
    assert json.loads(triggered.stdout)


def test_the_version_is_that_of_the_package():
    from fenix_simulator import __version__

    assert run("version").stdout.startswith(f"fenix-simulator {__version__} ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_that_is_stopped_leaves_no_process_behind(number):
    with started("demo") as process:
        while "alarm" not in process.stdout.readline():
            """The VNFMs are running once one of them is told."""
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(number)
        assert process.wait(SOON) == 130
        assert "Traceback" not in process.stderr.read()
    assert len(children) == 2
    assert not [child for child in children if _is_vnfm(child)]


def test_a_reader_that_has_seen_enough_is_no_error():
    with started("scenario", "list") as process:
        process.stdout.close()
        assert process.wait(SOON) in (0, 1)
        assert process.stderr.read() == ""
        process.stdout = None


def _is_vnfm(pid: str) -> bool:
    try:
        return "fenix_vnfm" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return host, int(port)
