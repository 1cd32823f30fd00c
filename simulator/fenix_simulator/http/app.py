"""The factory: one Flask application with a blueprint per surface. Nothing is built or opened at import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, request

from fenix_contract.contract import validator
from fenix_simulator.domain.rules import Behaviour, Dialect
from fenix_simulator.http import (
    admin,
    alarms,
    control,
    control_cloud,
    control_journal,
    fast_lane,
    limits,
    metrics,
    per_instance,
    problems,
    project,
    recording,
    upstream,
)
from fenix_simulator.http.auth import Keyring
from fenix_simulator.http.config import HttpConfig
from fenix_simulator.http.needs import Service
from fenix_simulator.http.paths import IdConverter, PlainIdConverter
from fenix_simulator.http.recorder import Recorder
from fenix_simulator.http.redaction import Redactor
from fenix_simulator.http.web import Web

#: Answered without a token: whoever starts and watches the server has none.
_OPEN = frozenset({"health.health", "health.ready"})


def create_app(service: Service, config: HttpConfig = HttpConfig()) -> Flask:
    """The WSGI application over ``service``. Errors: ValueError for tokens that cannot be told apart."""
    app = Flask("fenix_simulator", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = config.max_body_bytes
    # "//" in a path is a path of its own, and no occasion for a redirect.
    app.url_map.merge_slashes = False
    app.url_map.converters.update(id=IdConverter, plain_id=PlainIdConverter)
    keyring = Keyring(config.admin_token, config.project_tokens)
    counts = metrics.RequestCounts()
    redactor = Redactor(_secrets(config))
    recorder = Recorder(redactor, config.max_recorded_chars)
    web = Web(service, config, recorder)

    recording.register(app, service, recorder, counts.add)
    _register_guard(app, keyring, config)
    problems.register(app, redactor.text)
    if service.behaviour is Behaviour.UPSTREAM:
        app.register_blueprint(upstream.blueprint(web))
        upstream.register_errors(app)
        _order_allow(app, upstream.allow_order)
    else:
        app.register_blueprint(project.blueprint(web, _replies(service.dialect)))
        app.register_blueprint(admin.blueprint(web))
        _order_allow(app, str)
    if service.dialect is Dialect.PER_INSTANCE:
        app.register_blueprint(per_instance.blueprint(web))
        app.register_blueprint(per_instance.constraints_blueprint())
    app.register_blueprint(alarms.blueprint(web))
    app.register_blueprint(control.health_blueprint(web))
    app.register_blueprint(control.blueprint(web))
    app.register_blueprint(control_cloud.sessions_blueprint(web))
    app.register_blueprint(control_cloud.instances_blueprint(web))
    app.register_blueprint(control_journal.blueprint(web))
    app.register_blueprint(metrics.blueprint(web, counts))
    if config.base_path:
        _answer_below(app, config.base_path)
    fast_lane.register(app, web, lambda: validator("Reply"), counts.add)
    return app


def _answer_below(app: Flask, prefix: str) -> None:
    """Answer the project API below ``prefix`` as well, in everything as without it; nothing else is there."""
    inner = app.wsgi_app

    def outer(environ: dict[str, Any], start_response: Any) -> Any:
        path = environ.get("PATH_INFO", "")
        if path.startswith(f"{prefix}/"):
            rest = path.removeprefix(prefix)
            if recording.surface_of(rest)[0] == "project":
                # In place: the server and the surfaces speak with each other by what is in the environment.
                environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + prefix
                environ["PATH_INFO"] = rest
        return inner(environ, start_response)

    app.wsgi_app = outer  # type: ignore[method-assign]


def _replies(dialect: Dialect) -> project.Validator:
    contract = validator("Reply")
    return per_instance.ReplyValidator(contract) if dialect is Dialect.PER_INSTANCE else contract


def _register_guard(app: Flask, keyring: Keyring, config: HttpConfig) -> None:
    @app.before_request
    def guard() -> None:
        limits.check(request, config)
        if request.endpoint not in _OPEN:
            g.caller = keyring.caller(request)


def _order_allow(app: Flask, order: Callable[[str], Any]) -> None:
    """``Allow`` always in the same order: Flask makes it of a set."""

    @app.after_request
    def ordered(response: Response) -> Response:
        allowed = response.headers.get("Allow")
        if allowed:
            response.headers["Allow"] = ", ".join(sorted(allowed.split(", "), key=order))
        return response


def _secrets(config: HttpConfig) -> list[str]:
    return [*([config.admin_token] if config.admin_token else []), *config.project_tokens.values()]
