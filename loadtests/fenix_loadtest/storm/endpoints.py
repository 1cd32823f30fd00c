"""The two endpoints of the project API, as little of them as a VNFM under load needs."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from urllib.parse import unquote

from fenix_loadtest.storm.board import Board
from fenix_vnfm.wire import HttpConnection, Limits, Request, RequestRefused

_LIMITS = Limits(max_body=4 * 1024 * 1024, request_timeout=30.0, idle_timeout=300.0)


class Endpoints:
    """Listens from its creation until ``close``; each connection has a thread. Raises OSError."""

    def __init__(self, board: Board, host: str) -> None:
        self._board = board
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=512)
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self._listener.getsockname()[1]}"
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_closed = False
        threading.Thread(target=self._accept, name="endpoints", daemon=True).start()

    def url_of(self, session_id: str, project_id: str) -> str:
        """Where a project lists and replies."""
        return f"{self.url}/v1/maintenance/{session_id}/{project_id}"

    def close(self) -> None:
        """Stop listening and drop every connection."""
        with self._lock:
            self._is_closed = True
            connections = [self._listener, *self._connections]
        for sock in connections:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._is_closed:
                    sock.close()
                    return
                self._connections.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        connection = HttpConnection(sock, _LIMITS)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (request := connection.read_request()) is not None:
                status, body = self._answer(request)
                connection.answer(status, body, close=not request.keep_alive)
                if not request.keep_alive:
                    return
        except RequestRefused as refused:
            with contextlib.suppress(OSError):
                connection.answer(refused.status, close=True)
        except OSError:
            return
        finally:
            with self._lock:
                self._connections.discard(sock)
            sock.close()

    def _answer(self, request: Request) -> tuple[int, bytes]:
        parts = [unquote(part) for part in request.path.strip("/").split("/")]
        if len(parts) != 4 or parts[:2] != ["v1", "maintenance"]:
            return 404, b""
        now = time.monotonic()
        if request.method == "GET":
            return self._board.list(parts[2], parts[3], now)
        if request.method == "PUT":
            return self._board.reply(parts[2], parts[3], request.body, now)
        return 405, b""
