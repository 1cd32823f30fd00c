"""A VNFM of one page: it keeps its instances running through a maintenance by saying what is to be done with them.

Fenix POSTs an alarm; the VNFM lists the instances that it is about and PUTs its reply to the same place. The work is
done on a thread of its own, so that the alarm is answered at once.
"""

import json
import threading
import urllib.error
import urllib.request
from ast import literal_eval
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ASKS_FOR_A_REPLY = {
    "MAINTENANCE",
    "SCALE_IN",
    "PREPARE_MAINTENANCE",
    "PLANNED_MAINTENANCE",
    "MAINTENANCE_COMPLETE",
}


class Vnfm:
    """Answers alarms at ``alarm_url`` until ``close``. ``remove`` is its way to delete an instance of its own."""

    def __init__(self, remove=None, refuse=(), tries=5):
        self.remove, self.refuse, self.tries = remove, refuse, tries
        self.closing = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.alarm_url = f"http://127.0.0.1:{self.server.server_port}/maintenance"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def handler(self):
        take = self.take

        class Alarm(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                traits = {name: value for name, _, value in json.loads(body)["reason_data"]["event"]["traits"]}
                threading.Thread(target=take, args=(traits,), daemon=True).start()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        return Alarm

    def take(self, traits):
        state = traits["state"]
        if state not in ASKS_FOR_A_REPLY:
            return
        answer = f"NACK_{state}" if state in self.refuse else f"ACK_{state}"
        reply = {"session_id": traits["session_id"], "state": answer}
        instance_ids = self.ask("GET", traits["reply_url"])["instance_ids"]
        if state == "SCALE_IN":
            for instance_id in instance_ids[: len(instance_ids) // 2]:
                self.remove(instance_id)
        if state in ("PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE"):
            allowed = literal_eval(traits["allowed_actions"])
            action = "LIVE_MIGRATE" if "LIVE_MIGRATE" in allowed else allowed[0]
            reply["instance_actions"] = dict.fromkeys(instance_ids, action)
        self.ask("PUT", traits["reply_url"], reply)

    def ask(self, method, url, body=None):
        data = None if body is None else json.dumps(body).encode()
        for attempt in range(self.tries):
            request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    return json.loads(answer.read() or "{}")
            except urllib.error.HTTPError as error:
                if error.code < 500 or attempt + 1 == self.tries:
                    raise
            except OSError:
                if attempt + 1 == self.tries:
                    raise
            self.closing.wait(0.05 * 2**attempt)
        return None

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
