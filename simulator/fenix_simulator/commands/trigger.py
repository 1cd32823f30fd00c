"""``fenix-simulator trigger``: one alarm to a project manager, without a session."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fenix_simulator.commands.options import DURATION, Problem, clear_errors, option

if TYPE_CHECKING:
    from fenix_simulator.adapters.post import Outcome
    from fenix_simulator.ports import Alarm

#: Bytes of a --raw file; alarms have one or two thousand.
_MOST = 1_048_576

EPILOG = """\b
Examples:
  fenix-simulator trigger MAINTENANCE --alarm-url http://127.0.0.1:9000/maintenance
  fenix-simulator trigger PLANNED_MAINTENANCE --alarm-url http://127.0.0.1:9000/maintenance \\
      --project p1 --base-url http://127.0.0.1:8919 --session 76e55df8-1c51-11e8-9928-0242ac110002
  fenix-simulator trigger INSTANCE_ACTION_DONE --alarm-url http://127.0.0.1:9000/maintenance --instance-ids vm-1
  fenix-simulator trigger NEW_STATE --alarm-url http://127.0.0.1:9000/maintenance --set colour=blue --set metadata=
  fenix-simulator trigger --raw alarm.json --alarm-url http://127.0.0.1:9000/maintenance --format json

\b
Exit codes: 0 answered 2xx · 1 answered otherwise, or not at all · 2 usage
"""


@click.command("trigger", epilog=EPILOG)
@click.argument("state", required=False)
@option("--alarm-url", metavar="URL", help="Where the project manager takes alarms.")
@option("--project", "project_id", default="project-1", show_default=True, metavar="ID", help="The project told.")
@option("--session", "session_id", metavar="ID", help="The session told of; default: a new id.")
@option("--base-url", default="http://127.0.0.1:8919", show_default=True, metavar="URL", help="The Fenix linked to.")
@click.option("--instance-ids", metavar="ID[,ID…]", help="Name these instances instead of linking to their list.")
@click.option("--event-type", default="maintenance.scheduled", show_default=True, metavar="TYPE")
@click.option(
    "--set", "settings", multiple=True, metavar="TRAIT=VALUE", help="Any trait; an empty value leaves it out."
)
@click.option("--raw", type=click.Path(path_type=Path), metavar="FILE", help="Send this file's bytes as they are.")
@option("--timeout", type=DURATION, default="30s", show_default=True, help="How long the answer may take.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
@clear_errors
def command(
    ctx: click.Context,
    state: str | None,
    alarm_url: str | None,
    project_id: str,
    session_id: str | None,
    base_url: str,
    instance_ids: str | None,
    event_type: str,
    settings: tuple[str, ...],
    raw: Path | None,
    timeout: timedelta,
    form: str,
) -> None:
    """Send one synthetic alarm of STATE to a project manager, once, and print what became of it.

    STATE is MAINTENANCE, SCALE_IN, PREPARE_MAINTENANCE, PLANNED_MAINTENANCE, MAINTENANCE_COMPLETE,
    INSTANCE_ACTION_DONE, or any other word: a manager must survive states that it does not know. No session is
    started; a manager that follows the links or replies meets whatever listens at --base-url.
    """
    if not alarm_url:
        raise Problem("--alarm-url is missing: say where the alarm is to go, as in http://127.0.0.1:9000/maintenance")
    overrides = dict(_setting(text) for text in settings)

    from fenix_simulator.adapters.post import Poster
    from fenix_simulator.adapters.target_guard import TargetGuard
    from fenix_simulator.synthetic import bare_alarm

    guard = TargetGuard()
    guard.check_url(alarm_url, trusted=True)
    if raw is not None:
        if overrides or instance_ids:
            raise Problem("--raw sends the file as it is: leave out --set and --instance-ids, or leave out --raw")
        body = _bytes_of(raw)
    elif state:
        body = _body(state, project_id, session_id, base_url, instance_ids, event_type, overrides)
    else:
        raise Problem("STATE is missing: name the state of the alarm, as in MAINTENANCE, or give --raw FILE")
    alarm = bare_alarm(alarm_url, body, state or "", project_id)
    poster = Poster(guard, answer_seconds=timeout.total_seconds())
    outcome = poster.post(alarm)
    poster.close()
    click.echo(json.dumps(_report(alarm, outcome)) if form == "json" else _text(alarm, outcome))
    ctx.exit(0 if outcome.taken else 1)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise Problem(f"--set {text!r} is not TRAIT=VALUE, as in reply_at=2030-01-01T00:00:00")
    return name.strip(), value


def _bytes_of(raw: Path) -> bytes:
    try:
        with raw.open("rb") as file:
            body = file.read(_MOST + 1)
    except OSError as error:
        raise Problem(f"--raw {raw}: {error.strerror}") from error
    if len(body) > _MOST:
        raise Problem(f"--raw {raw} has more than {_MOST} bytes")
    return body


def _body(
    state: str,
    project_id: str,
    session_id: str | None,
    base_url: str,
    instance_ids: str | None,
    event_type: str,
    overrides: dict[str, str],
) -> bytes:
    import uuid
    from datetime import UTC, datetime

    from fenix_simulator.synthetic import SyntheticAlarm

    return SyntheticAlarm(
        state=state,
        project_id=project_id,
        session_id=session_id or str(uuid.uuid4()),
        base_url=base_url,
        instance_ids=[part.strip() for part in (instance_ids or "").split(",") if part.strip()],
        event_type=event_type,
        overrides=overrides,
    ).body(datetime.now(UTC))


def _report(alarm: Alarm, outcome: Outcome) -> dict[str, Any]:
    """The delivery as one JSON object; ``latency`` is in seconds, the body is JSON where it is JSON."""
    return {
        "request": {
            "method": "POST",
            "url": alarm.url,
            "headers": {"content-type": "application/json", "x-openstack-request-id": alarm.request_id},
            "body": _readable(alarm.body),
        },
        "status": outcome.status,
        "error": outcome.error,
        "latency": round(outcome.latency, 6),
        "taken": outcome.taken,
    }


def _text(alarm: Alarm, outcome: Outcome) -> str:
    """The delivery for people: where to, the traits (or a raw file as it is), and the answer."""
    answer = str(outcome.status) if outcome.status is not None else "no answer"
    lines = [
        f"POST {alarm.url}",
        f"x-openstack-request-id: {alarm.request_id}",
        *_shown(_readable(alarm.body)),
        f"→ {answer} after {outcome.latency * 1000:.1f} ms" + (f": {outcome.error}" if outcome.error else ""),
    ]
    return "\n".join(lines)


def _shown(body: Any) -> list[str]:
    try:
        event = body["reason_data"]["event"]
        return [str(event["event_type"]), *(f"  {name:<16}  {value}" for name, _, value in event["traits"])]
    except (KeyError, TypeError, ValueError):
        return [body if isinstance(body, str) else json.dumps(body)]


def _readable(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
