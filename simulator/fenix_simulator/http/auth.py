"""Who asks, and what they may: the administrator everything, a project what is its own.

Tokens come in ``X-Auth-Token`` (as OpenStack's clients send it) or ``Authorization: Bearer``. Without any token given
to the server everybody is the administrator, and whatever token a client sends is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from flask import Request, g, request

from fenix_simulator.http.problems import Problem

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="fenix-simulator"'}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the administrator (``project_id`` None) or a project."""

    project_id: str | None = None

    @property
    def is_admin(self) -> bool:
        return self.project_id is None

    def may_act_for(self, project_id: str | None) -> bool:
        """Whether what belongs to that project (None: to nobody in particular) is the caller's to see and change."""
        return self.is_admin or self.project_id == project_id


ADMIN = Caller()


class Keyring:
    """The tokens that open something.

    They are kept and looked up by their SHA-256: how long a comparison of digests takes tells nothing about a token,
    and the look-up costs the same for one project and for thousands.
    """

    def __init__(self, admin_token: str | None, project_tokens: Mapping[str, str]) -> None:
        """Errors: ValueError for an empty token, or one that two callers share."""
        callers = [(token, Caller(project_id)) for project_id, token in project_tokens.items()]
        if admin_token is not None:
            callers.append((admin_token, ADMIN))
        self._callers: dict[bytes, Caller] = {}
        for token, caller in callers:
            if not token or token != token.strip():
                raise ValueError("a token cannot be empty, nor begin or end with a space")
            if _digest(token) in self._callers:
                raise ValueError("the administrator and each project need a token of their own")
            self._callers[_digest(token)] = caller

    @property
    def is_on(self) -> bool:
        return bool(self._callers)

    def caller(self, asked: Request) -> Caller:
        """The caller that the request's token names; Problem 401 where there is none or it is not known."""
        if not self._callers:
            return ADMIN
        token = _token(asked)
        if token is None:
            raise Problem(
                401,
                "this server asks for a token",
                expected="the header X-Auth-Token, or Authorization: Bearer",
                headers=_CHALLENGE,
            )
        caller = self._callers.get(_digest(token))
        if caller is None:
            raise Problem(401, "the token is not one that this server knows", headers=_CHALLENGE)
        return caller


def current() -> Caller:
    """Who asks the request that is being answered."""
    caller: Caller = g.caller
    return caller


def require_admin() -> None:
    """Problem 403 unless the administrator asks."""
    if not current().is_admin:
        raise Problem(
            403,
            f"a project's token does not open {request.path}",
            expected="the administrator's token",
        )


def require_project(project_id: str | None) -> None:
    """Problem 403 unless what belongs to that project is the caller's."""
    if not current().may_act_for(project_id):
        raise Problem(
            403,
            "the token is that of another project",
            expected="the project's own token, or the administrator's",
        )


def _token(asked: Request) -> str | None:
    token = asked.headers.get("X-Auth-Token")
    if token is not None:
        return token
    scheme, _, credentials = asked.headers.get("Authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" and credentials.strip() else None


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
