"""The probe application of the conformance kit as plain WSGI, without a framework that mends its mistakes.

It has the paths of ../README.md, and those that tell lies to the server: /overrun, /underrun, /inject, /raise,
/raise-late.
"""

import json
import time
from urllib.parse import parse_qs


def ramp(count):
    cycle = bytes((i * 31 + 7) & 0xFF for i in range(256))
    return (cycle * (count // 256 + 1))[:count]


def env(request):
    shown = {
        name: value.encode("latin-1", "replace").decode("utf-8", "replace")
        for name, value in request.environ.items()
        if isinstance(value, str)
    }
    return request.answer(json.dumps(shown).encode(), "application/json")


def echo(request):
    try:
        length = int(request.environ.get("CONTENT_LENGTH") or 0)
        body = request.environ["wsgi.input"].read(max(0, length))
    except (OSError, ValueError):
        return request.answer(b"the body cannot be read\n", status="400 Bad Request")
    if len(body) != max(0, length):
        return request.answer(b"the body is not whole\n", status="400 Bad Request")
    return request.answer(body, headers=[("X-Body-Length", str(len(body))), ("X-Method", request.method)])


def download(request):
    body = ramp(request.number("bytes", 0))
    return request.answer(body, "application/octet-stream")


def stream(request):
    request.start("200 OK", [("Content-Type", "text/plain")])
    for number in range(request.number("chunks", 5)):
        if number:
            time.sleep(request.number("ms", 100) / 1000)
        yield b"chunk %d\n" % number


def cookies(request):
    fields = [("Set-Cookie", f"c{i}=v{i}") for i in range(request.number("count", 1))]
    return request.answer(b"cookies\n", headers=fields)


def headers(request):
    value = "x" * request.number("size", 10)
    fields = [(f"X-Big-{i}", value) for i in range(request.number("count", 1))]
    return request.answer(b"headers\n", headers=fields)


def status(request):
    return request.answer(b"status\n", status=f"{request.number('code', 200)} Probe")


def nobody(request):
    request.start(f"{request.number('code', 204)} Probe", [])
    return [b"0123456789"]


def sleep(request):
    time.sleep(request.number("ms", 100) / 1000)
    return request.answer(b"slept\n")


def stderr(request):
    for number in range(request.number("lines", 1)):
        print(f"stderr line {number}", file=request.environ["wsgi.errors"])
    return request.answer(b"logged\n")


def overrun(request):
    request.start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"0123456789"]


def underrun(request):
    request.start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5000")])
    return [b"0123456789"]


def inject(request):
    return request.answer(b"injected\n", headers=[("X-Value", "a\r\nX-Injected: yes")])


def fail(request):
    raise RuntimeError("before the head")


def fail_late(request):
    request.start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "1000")])
    yield b"partial"
    raise RuntimeError("in the body")


def websocket(request):
    """Echoes text frames; uWSGI only."""
    import uwsgi

    uwsgi.websocket_handshake()
    while True:
        message = uwsgi.websocket_recv()
        uwsgi.websocket_send(message)


ROUTES = {
    "/cookies": cookies,
    "/download": download,
    "/echo": echo,
    "/env": env,
    "/headers": headers,
    "/inject": inject,
    "/nobody": nobody,
    "/noread": lambda request: request.answer(b"ignored\n"),
    "/overrun": overrun,
    "/raise": fail,
    "/raise-late": fail_late,
    "/sleep": sleep,
    "/status": status,
    "/stderr": stderr,
    "/stream": stream,
    "/underrun": underrun,
    "/websocket": websocket,
}


class Request:
    def __init__(self, environ, start):
        self.environ = environ
        self.start = start
        self.method = environ.get("REQUEST_METHOD", "GET")
        self.query = parse_qs(environ.get("QUERY_STRING", ""))

    def number(self, name, default):
        return int(self.query.get(name, [default])[0])

    def answer(self, body, content_type="text/plain", status="200 OK", headers=()):
        fields = [("Content-Type", content_type), ("Content-Length", str(len(body))), *headers]
        self.start(status, fields)
        return [body]


def application(environ, start):
    path = environ.get("PATH_INFO", "/")
    route = ROUTES.get("/env" if path.startswith("/env/") else path)
    request = Request(environ, start)
    if route is None:
        return request.answer(b"not found\n", status="404 Not Found")
    return route(request)
