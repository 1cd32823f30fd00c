"""The command ``fenix-vnfm``: real processes."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fenix_contract.vocabulary import REPLY_STATES

ROOT = Path(__file__).parents[3]
PATH = "/v1/maintenance/s1/p1"


class Running:
    """A process of the command, its lines read as they come."""

    def __init__(self, *arguments, env):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fenix_vnfm", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )
        self._lines = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def line(self, wanted, timeout=10):
        """The next line for which ``wanted`` holds."""
        while (line := self._lines.get(timeout=timeout)) is not None:
            if wanted(line):
                return line
        raise AssertionError(f"it ended: {self.process.stderr.read()}")

    def event(self, *kinds):
        """The next event of one of the kinds (``--format json``)."""
        return json.loads(self.line(lambda line: json.loads(line)["event"] in kinds))

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(10)


@pytest.fixture
def env():
    """The environment of a process that finds the packages of the checkout."""
    paths = os.pathsep.join(str(ROOT / name) for name in ("simulator", "conformance"))
    return {**os.environ, "PYTHONPATH": paths, "COLUMNS": "100"}


@pytest.fixture
def start(env):
    """Starts the command; what still runs at the end is ended."""
    started = []

    def run(*arguments, **more):
        started.append(Running(*arguments, env={**env, **more}))
        return started[-1]

    yield run
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()
        one.process.stderr.close()


@pytest.fixture
def finish(env):
    """Runs the command to its end."""

    def run(*arguments, **more):
        return subprocess.run(
            [sys.executable, "-m", "fenix_vnfm", *arguments],
            capture_output=True,
            text=True,
            env={**env, **more},
            timeout=20,
            check=False,
        )

    return run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_takes_alarms_from_when_the_ready_file_is_there_until_it_is_stopped(
    start, fenix, alarm, post, tmp_path, number
):
    fenix.lists[PATH] = ["a"]
    ready = tmp_path / "ready.json"
    vnfm = start("--project", "p1", "--action", "LIVE_MIGRATE", "--ready-file", str(ready), "--format", "json")
    url = vnfm.event("listening")["url"]
    assert post(url, alarm("PLANNED_MAINTENANCE", fenix.url + PATH, reply_at=None)).status == 200
    said = vnfm.event("reply")
    assert said["reply"] == {"instance_actions": {"a": "LIVE_MIGRATE"}, "state": "ACK_PLANNED_MAINTENANCE"}
    assert (said["project_id"], said["session_id"], said["status"]) == ("p1", "s1", 200)
    assert json.loads(ready.read_text()) == {"alarm_url": url, "pid": vnfm.process.pid}
    assert list(tmp_path.iterdir()) == [ready]
    assert vnfm.stop(number) == 0
    assert vnfm.process.stderr.read() == ""


def test_it_subscribes_and_unsubscribes(start, fenix):
    made = (201, {}, b'{"alarm_id": "x"}')
    fenix.script("POST", made, made)
    fenix.script("DELETE", 204, 204)
    vnfm = start("--subscribe", fenix.url, "--project", "p1", "--token", "secret-1", "--format", "json")
    vnfm.event("subscribed")
    vnfm.event("subscribed")
    assert vnfm.stop() == 0
    assert [one.method for one in fenix.requests()] == ["POST", "POST", "DELETE", "DELETE"]
    assert {one.headers["x-auth-token"] for one in fenix.requests()} == {"secret-1"}


def test_lines_for_people_say_who_what_and_how(start, fenix, alarm, post):
    vnfm = start("--nack", "SCALE_IN", "--silent", "MAINTENANCE", "--inline")
    url = vnfm.line(lambda line: "takes alarms at" in line).split()[-1]
    post(url, alarm("MAINTENANCE", fenix.url + PATH, session_id="0123456789\n"))
    assert "p1 01234567 MAINTENANCE silent:" in vnfm.line(lambda line: "silent" in line)
    post(url, alarm("SCALE_IN", fenix.url + PATH))
    assert "p1 s1 SCALE_IN reply: NACK_SCALE_IN: 200" in vnfm.line(lambda line: "reply:" in line)
    assert vnfm.stop() == 0


def test_the_environment_gives_defaults_that_flags_override(start, fenix, alarm, post):
    vnfm = start(
        "--format",
        "json",
        FENIX_VNFM_NACK=" ".join(REPLY_STATES[:2]),
        FENIX_VNFM_PROJECT="p7",
        FENIX_VNFM_FORMAT="text",
        FENIX_VNFM_TOKEN="secret-1",
    )
    url = vnfm.event("listening")["url"]
    assert url.endswith("/p7")
    post(url, alarm("SCALE_IN", fenix.url + PATH, project_id="p7"))
    assert vnfm.event("reply")["reply"] == {"state": "NACK_SCALE_IN"}
    assert fenix.requests("PUT")[0].headers["x-auth-token"] == "secret-1"
    assert vnfm.stop() == 0


def test_it_finds_the_control_api_where_its_replies_go(start, fenix, alarm, post):
    health = (200, {"Content-Type": "application/json"}, b'{"status": "ok"}')
    listed = json.dumps({"instances": [{"instance_id": f"i{number}", "name": f"n-{number}"} for number in range(3)]})
    fenix.script("GET", health, path="/simulator/v1/health")
    fenix.script("GET", (200, {}, listed.encode()), path="/simulator/v1/instances?project_id=p1")
    fenix.script("DELETE", 204)
    vnfm = start("--token", "mine", "--format", "json")
    post(vnfm.event("listening")["url"], alarm("SCALE_IN", fenix.url + PATH, reply_at=None))
    assert vnfm.event("scale_in")["names"] == ["n-2"]
    assert vnfm.event("reply")["reply"] == {"state": "ACK_SCALE_IN"}
    assert fenix.requests("DELETE")[0].headers["x-auth-token"] == "mine"
    assert vnfm.stop() == 0


def test_where_there_is_no_control_api_it_refuses_to_scale_in(start, fenix, alarm, post):
    fenix.lists[PATH] = ["a"]
    vnfm = start("--action", "OWN_ACTION", "--format", "json")
    url = vnfm.event("listening")["url"]
    post(url, alarm("SCALE_IN", fenix.url + PATH, reply_at=None))
    assert vnfm.event("reply")["reply"] == {"state": "NACK_SCALE_IN"}
    post(url, alarm("PLANNED_MAINTENANCE", fenix.url + PATH, reply_at=None))
    assert vnfm.event("reply")["reply"]["instance_actions"] == {"a": "MIGRATE"}
    assert vnfm.stop() == 0


def test_without_a_control_api_by_will_it_looks_for_none(start, fenix, alarm, post):
    vnfm = start("--control-url", "none", "--format", "json")
    post(vnfm.event("listening")["url"], alarm("SCALE_IN", fenix.url + PATH, reply_at=None))
    assert vnfm.event("reply")["reply"] == {"state": "ACK_SCALE_IN"}
    assert {one.path for one in fenix.requests()} == {PATH}
    assert vnfm.stop() == 0


def test_it_scales_in_over_the_control_api(start, fenix, alarm, post):
    instances = [{"instance_id": f"i{number}", "name": f"n-{number}", "vcpus": 1} for number in range(3)]
    fenix.script(
        "GET",
        (200, {}, json.dumps({"instances": instances}).encode()),
        path="/simulator/v1/instances?project_id=p1",
    )
    fenix.script("DELETE", 204)
    vnfm = start("--control-url", fenix.url, "--control-token", "other", "--token", "mine", "--format", "json")
    post(vnfm.event("listening")["url"], alarm("SCALE_IN", fenix.url + PATH, reply_at=None))
    assert vnfm.event("scale_in")["names"] == ["n-2"]
    vnfm.event("reply")
    (removed,) = fenix.requests("DELETE")
    assert (removed.path, removed.headers["x-auth-token"]) == ("/simulator/v1/instances/i2", "other")
    assert fenix.requests("PUT")[0].headers["x-auth-token"] == "mine"
    assert vnfm.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "65536"], "--port"),
        (["--delay", "3x"], "500ms, 90s, 20m or 1h30m"),
        (["--action", "FLY"], "MIGRATE"),
        (["--nack", "HELLO"], "PLANNED_MAINTENANCE"),
        (["--nack", "SCALE_IN", "--silent", "SCALE_IN"], "not both"),
        (["--misbehave", "tardy"], "misses-one"),
        (["--misbehave", "inline"], "'inline' is a fair behaviour"),
        (["--manner", "late"], "'late' is a wrong behaviour"),
        (["--manner", "inline", "--misbehave", "late"], "exclude each other"),
        (["--manner", "nacks-planned", "--silent", "PLANNED_MAINTENANCE"], "nacks-planned does not go with"),
        (["--action", "OWN_ACTION", "--control-url", "none"], "leave --control-url out"),
        (["--control-url", "localhost:1"], "auto"),
        (["--subscribe", "ftp://x"], "http"),
        (["--host", "203.0.113.1"], "cannot listen on 203.0.113.1"),
        (["--ready-file", "/nowhere/at/all.json"], "--ready-file"),
        (["--nope"], "--nope"),
        (["surplus"], "surplus"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_bad_value_is_one_clear_line(finish, arguments, said):
    done = finish(*arguments)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert said in done.stderr
    assert done.stderr.startswith("fenix-vnfm: ")


def test_an_aodh_that_is_not_there_is_one_clear_line(finish):
    done = finish("--subscribe", "http://127.0.0.1:9")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "cannot subscribe" in done.stderr


def test_half_a_subscription_is_taken_away_again(finish, fenix):
    fenix.script("POST", (201, {}, b'{"alarm_id": "x"}'), 403)
    fenix.script("DELETE", 204)
    assert finish("--subscribe", fenix.url).returncode == 1
    assert [one.path for one in fenix.requests("DELETE")] == ["/v2/alarms/x"]


def test_the_behaviours_are_listed(finish):
    assert "misses-one                   actions-cover      leaves one" in finish("--list").stdout
    listed = [json.loads(line) for line in finish("--list", "--format", "json").stdout.splitlines()]
    assert {"name": "honest", "statement": "keeps every rule", "breaks": [], "shown_by": []} in listed
    late = next(one for one in listed if one["name"] == "late")
    assert (late["breaks"][0], late["shown_by"]) == ("reply-in-time", ["happy-path"])


@pytest.mark.parametrize(
    ("option", "name", "instances"), [("--misbehave", "misses-one", ["a"]), ("--manner", "trailing-slash", ["a", "b"])]
)
def test_its_manners_are_chosen_by_name(start, fenix, alarm, post, option, name, instances):
    fenix.lists.update({PATH: ["a", "b"], f"{PATH}/": ["a", "b"]})
    vnfm = start(option, name, "--format", "json")
    post(vnfm.event("listening")["url"], alarm("PLANNED_MAINTENANCE", fenix.url + PATH, reply_at=None))
    assert list(vnfm.event("reply")["reply"]["instance_actions"]) == instances
    assert vnfm.stop() == 0


def test_one_that_leaves_ends(start, fenix, alarm, post):
    vnfm = start("--misbehave", "closes-midway", "--format", "json")
    url = vnfm.event("listening")["url"]
    for state in ("MAINTENANCE", "SCALE_IN"):
        post(url, alarm(state, fenix.url + PATH, reply_at=None))
        vnfm.event("reply")
    assert vnfm.process.wait(10) == 0


def test_help_has_examples_and_loads_no_http_client(finish, env):
    assert "Examples:" in finish("--help").stdout
    code = (
        "import sys; sys.argv = ['fenix-vnfm', '--help']\n"
        "from fenix_vnfm.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(*sorted(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert not {"urllib3", "flask", "jsonschema_rs", "http.client", "yaml"} & set(loaded.stdout.split())


def test_it_stops_when_nobody_reads_what_it_says(env, fenix, alarm, post):
    command = [sys.executable, "-m", "fenix_vnfm", "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as vnfm:
        url = json.loads(vnfm.stdout.readline())["url"]
        vnfm.stdout.close()
        post(url, alarm("HELLO", fenix.url + PATH))
        assert vnfm.wait(10) == 0
        assert vnfm.stderr.read() == ""
