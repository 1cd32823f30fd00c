"""Managers whose reply says the right thing in the wrong form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from fenix_vnfm.client import Exchange
from fenix_vnfm.conduct import Conduct, Task
from fenix_vnfm.gallery.behaviour import Behaviour

Reply = Mapping[str, Any]


class OtherForm(Conduct):
    """Sends the reply as ``body`` makes it, with ``content_type``."""

    content_type: ClassVar[str] = "application/json"

    def put_reply(self, _task: Task, url: str, reply: Reply, timeout: timedelta) -> Exchange:
        headers = {"Content-Type": self.content_type}
        return self.means.client.request("PUT", url, self.body(reply).encode(), timeout, headers=headers)

    def body(self, reply: Reply) -> str:
        """The body of the request."""
        return json.dumps(reply)


class FormEncoded(OtherForm):
    """As a browser sends a form."""

    content_type = "application/x-www-form-urlencoded"

    def body(self, reply: Reply) -> str:
        return urlencode({name: json.dumps(value) if name != "state" else value for name, value in reply.items()})


class TextPlain(OtherForm):
    """JSON that does not say that it is."""

    content_type = "text/plain"


class JsonInString(OtherForm):
    """Encoded twice."""

    def body(self, reply: Reply) -> str:
        return json.dumps(json.dumps(reply))


class ArrayBody(OtherForm):
    """One reply in a list of replies."""

    def body(self, reply: Reply) -> str:
        return json.dumps([reply])


class SingleQuotes(OtherForm):
    """As Python shows a dictionary."""

    def body(self, reply: Reply) -> str:
        return repr(dict(reply))


class ActionsAsList(OtherForm):
    """A list of pairs where a map of ids is asked for."""

    def body(self, reply: Reply) -> str:
        actions = reply.get("instance_actions")
        if actions is None:
            return json.dumps(reply)
        pairs = [{"instance_id": instance_id, "action": action} for instance_id, action in actions.items()]
        return json.dumps({**reply, "instance_actions": pairs})


BEHAVIOURS = (
    Behaviour(
        "form-encoded",
        "sends its reply as a form's fields",
        FormEncoded,
        breaks=("reply-valid", "reply-sent"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "text-plain",
        "sends its reply as text/plain",
        TextPlain,
        breaks=("reply-valid", "reply-sent"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "json-in-string",
        "sends a JSON string that contains the reply",
        JsonInString,
        breaks=("reply-valid", "reply-sent"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "array-body",
        "sends its reply in a JSON array",
        ArrayBody,
        breaks=("reply-valid", "reply-sent"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "single-quotes",
        "sends its reply as Python writes it, which is no JSON",
        SingleQuotes,
        breaks=("reply-valid", "reply-sent"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "actions-as-list",
        "sends instance_actions as a list of objects",
        ActionsAsList,
        breaks=("reply-valid", "reply-sent", "actions-cover"),
        shown_by=("happy-path",),
    ),
)
