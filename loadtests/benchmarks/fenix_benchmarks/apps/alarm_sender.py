"""Sends alarms of 1.4 KB to a sink, by the simulator's own sender or by requests.Session.

python alarm_sender.py simulator|requests URL AT_ONCE COUNT      prints {"seconds", "cpu", "sent"} as JSON
"""

import json
import sys
import threading
import time

BODY = json.dumps({"alarm": "x" * 1_387}).encode()


def simulator(url, at_once, count):
    """One line (key) of alarms for each that is on its way at once, as for so many projects."""
    from fenix_simulator.adapters.target_guard import TargetGuard
    from fenix_simulator.adapters.webhook import WebhookAlarmSink
    from fenix_simulator.ports import Alarm, DeliveryPolicy

    taken, done, lock = [], threading.Event(), threading.Lock()

    def on_delivery(_alarm, delivery):
        with lock:
            taken.append(delivery.status == 200)
            if len(taken) == count:
                done.set()

    sink = WebhookAlarmSink(DeliveryPolicy(), TargetGuard(), on_delivery, workers=at_once, depth=count)

    def send():
        for number in range(count):
            sink.send(Alarm(str(number % at_once), "", url, str(number), "MAINTENANCE", BODY, ""))
        done.wait(120)

    return send, taken


def requests(url, at_once, count):
    """A thread with a session for each that is on its way at once."""
    from requests import Session

    taken, lock = [], threading.Lock()

    def some():
        with Session() as session:
            for _ in range(count // at_once):
                right = session.post(url, data=BODY, headers={"Content-Type": "application/json"}).status_code == 200
                with lock:
                    taken.append(right)

    threads = [threading.Thread(target=some) for _ in range(at_once)]

    def send():
        for one in threads:
            one.start()
        for one in threads:
            one.join()

    return send, taken


name, target, lines, number = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
send, taken = {"simulator": simulator, "requests": requests}[name](target, lines, number)
began, used = time.perf_counter(), time.process_time()
send()
cpu = time.process_time() - used
print(json.dumps({"seconds": time.perf_counter() - began, "cpu": cpu, "sent": sum(taken)}))
