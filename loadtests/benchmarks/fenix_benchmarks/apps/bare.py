"""A WSGI callable with constant bytes for each path: what a server can do at most, whatever it serves.

BARE_ANSWERS has ``{path: {method: text}}`` as JSON.
"""

import json
import os

_HEAD = [("Content-Type", "application/json")]
_ANSWERS = {
    path: {
        method: (text.encode(), [*_HEAD, ("Content-Length", str(len(text.encode())))])
        for method, text in methods.items()
    }
    for path, methods in json.loads(os.environ["BARE_ANSWERS"]).items()
}


def app(environ, start_response):
    """The bytes of the path, or 404."""
    try:
        body, head = _ANSWERS[environ["PATH_INFO"]][environ["REQUEST_METHOD"]]
    except KeyError:
        start_response("404 Not Found", [("Content-Length", "0")])
        return [b""]
    start_response("200 OK", head)
    return [body]
