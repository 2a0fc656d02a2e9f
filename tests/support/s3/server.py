"""An S3 on the loopback: moto's own, behind a server that counts requests and can do harm to their answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto.backends import get_backend
from moto.core.botocore_stubber import BotocoreStubber

AWS = "https://s3.eu-west-1.amazonaws.com"
BUCKET = "histories"


@dataclass
class Asked:
    """A request: of an object its key, of a listing its prefix."""

    method: str
    key: str
    query: dict[str, str]

    @property
    def prefix(self) -> str | None:
        """What is listed, None where nothing is."""
        return self.query.get("prefix", "") if "list-type" in self.query else None


@dataclass
class Answer:
    """What the client gets; of the body only ``sent`` bytes before the connection breaks, where given."""

    status: int
    headers: dict[str, str]
    body: bytes
    sent: int | None = None


#: Looks at a request and the true answer; gives another answer, or None for the true one.
Harm = Callable[[Asked, Answer], Answer | None]


@dataclass
class Server:
    """The running server: where it is, what was asked of it, what harm it does."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    harm: Harm | None = None
    ahead: float = 0.0
    """Seconds that its clock is before ours."""

    def gets(self) -> list[str]:
        """The keys of the objects asked for, in order of key."""
        return sorted(one.key for one in self.asked if one.method == "GET" and one.key)

    def lists(self) -> list[str]:
        """The prefixes listed."""
        return sorted(one.prefix for one in self.asked if one.prefix is not None)


def error(status: int, code: str, message: str = "told") -> Answer:
    """An answer that refuses, as S3 words it."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return Answer(status, {"Content-Type": "application/xml"}, body)


@contextmanager
def running():
    """A server on a free port of the loopback, with nothing in it."""
    get_backend("s3").reset()
    server = Server()
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    listening.daemon_threads = True
    server.url = f"http://127.0.0.1:{listening.server_address[1]}"
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()


def upload(client, folder: Path, prefix: str = "") -> list[str]:
    """Put all files of a folder below a prefix; returns their keys."""
    keys = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and ".histlib" not in path.parts):
        keys.append(prefix + path.relative_to(folder).as_posix())
        client.put_object(Bucket=BUCKET, Key=keys[-1], Body=path.read_bytes())
    return keys


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    stubber, one_by_one = BotocoreStubber(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = HTTPHeaders()
            for name, value in self.headers.items():
                headers[name] = value
            headers.replace_header("Host", urlsplit(AWS).netloc)
            with one_by_one:
                status, found, content = stubber.process_request(
                    AWSPreparedRequest(self.command, AWS + self.path, headers, body, stream_output=False)
                )
            content = content.encode() if isinstance(content, str) else content
            self.send(Answer(int(status), {name: str(value) for name, value in found.items()}, content))

        def send(self, answer: Answer) -> None:
            parts = urlsplit(self.path)
            key = unquote(parts.path).lstrip("/").partition("/")[2]
            query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            asked = Asked(self.command, key, query)
            server.asked.append(asked)
            answer = (server.harm(asked, answer) if server.harm else None) or answer
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                    self.send_header(name, value)
            length = answer.headers.get("content-length", answer.headers.get("Content-Length"))
            head = self.command == "HEAD" and length is not None
            self.send_header("Content-Length", length if head else str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body[: answer.sent])
            if answer.sent is not None:
                self.close_connection = True

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(timestamp or time.time() + server.ahead)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler
