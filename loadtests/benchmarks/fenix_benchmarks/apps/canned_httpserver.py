"""pytest-httpserver outside of pytest, with a canned answer for each method and path.

python canned_httpserver.py PORT ANSWERS        ``{path: {method: text}}`` as JSON
"""

import json
import signal
import sys

from pytest_httpserver import HTTPServer

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with HTTPServer("127.0.0.1", int(sys.argv[1])) as server:
    for path, methods in json.loads(sys.argv[2]).items():
        for method, text in methods.items():
            server.expect_request(path, method=method).respond_with_data(text, content_type="application/json")
    while True:
        signal.pause()
