"""The reply that a project's manager gives to an alarm, as the bytes that are sent."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from fenix_contract.alarm import AlarmMessage
from fenix_contract.vocabulary import ReplyPrefix
from fenix_vnfm.decide import decide
from fenix_vnfm.policy import Policy

_POLICY = Policy()


class Listed(msgspec.Struct):
    """The answer to a list, as far as a manager needs it."""

    instance_ids: list[str]


_listed = msgspec.json.Decoder(Listed)


def listed_ids(body: bytes) -> list[str] | None:
    """The instance ids of a list's answer; None where the body is no such list."""
    try:
        return _listed.decode(body).instance_ids
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def reply_body(alarm: AlarmMessage, instance_ids: Sequence[str] | None) -> bytes:
    """An acknowledgement with MIGRATE, or else the first action that is allowed, for every instance listed.

    An alarm that allows no action that Fenix carries out is acknowledged without one.
    """
    reply = decide(alarm, instance_ids, _POLICY)
    if reply is None or reply["state"].startswith(ReplyPrefix.NACK):
        reply = {"state": ReplyPrefix.ACK + alarm.state}
    return json.dumps(reply).encode()
