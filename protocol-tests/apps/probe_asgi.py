"""The probe application of the conformance kit as plain ASGI: the paths of ../README.md, without a framework."""

import asyncio
import json
from urllib.parse import parse_qs


def ramp(count):
    cycle = bytes((i * 31 + 7) & 0xFF for i in range(256))
    return (cycle * (count // 256 + 1))[:count]


def environ(scope):
    """What an application can know, under the names of CGI."""
    shown = {
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": scope["path"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": "HTTP/" + scope["http_version"],
        "wsgi.url_scheme": scope["scheme"],
    }
    for name, pair in {"REMOTE": scope.get("client"), "SERVER": scope.get("server")}.items():
        if pair:
            shown["REMOTE_ADDR" if name == "REMOTE" else "SERVER_NAME"] = str(pair[0])
            shown[name + "_PORT"] = str(pair[1])
    for name, value in scope["headers"]:
        name = name.decode("latin-1").upper().replace("-", "_")
        name = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + name
        value = value.decode("utf-8", "replace")
        shown[name] = shown[name] + "," + value if name in shown else value
    return shown


async def body_of(receive):
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client is gone")
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


class Answer:
    def __init__(self, scope, receive, send):
        self.scope = scope
        self.receive = receive
        self.send = send
        self.query = parse_qs(scope["query_string"].decode("latin-1"))

    def number(self, name, default):
        return int(self.query.get(name, [default])[0])

    async def start(self, status, fields):
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in fields]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def more(self, body, last=False):
        await self.send({"type": "http.response.body", "body": body, "more_body": not last})

    async def whole(self, body, content_type="text/plain", status=200, headers=()):
        fields = [("Content-Type", content_type), ("Content-Length", str(len(body))), *headers]
        await self.start(status, fields)
        await self.more(body, last=True)


async def env(answer):
    await answer.whole(json.dumps(environ(answer.scope)).encode(), "application/json")


async def echo(answer):
    body = await body_of(answer.receive)
    length = int(environ(answer.scope).get("CONTENT_LENGTH", len(body)))
    if len(body) != length:
        return await answer.whole(b"the body is not whole\n", status=400)
    fields = [("X-Body-Length", str(len(body))), ("X-Method", answer.scope["method"])]
    await answer.whole(body, headers=fields)


async def download(answer):
    await answer.whole(ramp(answer.number("bytes", 0)), "application/octet-stream")


async def stream(answer):
    await answer.start(200, [("Content-Type", "text/plain")])
    for number in range(answer.number("chunks", 5)):
        if number:
            await asyncio.sleep(answer.number("ms", 100) / 1000)
        await answer.more(b"chunk %d\n" % number)
    await answer.more(b"", last=True)


async def cookies(answer):
    fields = [("Set-Cookie", f"c{i}=v{i}") for i in range(answer.number("count", 1))]
    await answer.whole(b"cookies\n", headers=fields)


async def headers(answer):
    value = "x" * answer.number("size", 10)
    fields = [(f"X-Big-{i}", value) for i in range(answer.number("count", 1))]
    await answer.whole(b"headers\n", headers=fields)


async def status(answer):
    await answer.whole(b"status\n", status=answer.number("code", 200))


async def nobody(answer):
    await answer.start(answer.number("code", 204), [])
    await answer.more(b"0123456789", last=True)


async def sleep(answer):
    await asyncio.sleep(answer.number("ms", 100) / 1000)
    await answer.whole(b"slept\n")


async def noread(answer):
    await answer.whole(b"ignored\n")


async def overrun(answer):
    await answer.start(200, [("Content-Type", "text/plain"), ("Content-Length", "5")])
    await answer.more(b"0123456789", last=True)


async def underrun(answer):
    await answer.start(200, [("Content-Type", "text/plain"), ("Content-Length", "5000")])
    await answer.more(b"0123456789", last=True)


async def inject(answer):
    await answer.whole(b"injected\n", headers=[("X-Value", "a\r\nX-Injected: yes")])


async def fail(answer):
    raise RuntimeError("before the head")


async def fail_late(answer):
    await answer.start(200, [("Content-Type", "text/plain"), ("Content-Length", "1000")])
    await answer.more(b"partial")
    raise RuntimeError("in the body")


async def not_found(answer):
    await answer.whole(b"not found\n", status=404)


ROUTES = {
    "/cookies": cookies,
    "/download": download,
    "/echo": echo,
    "/env": env,
    "/headers": headers,
    "/inject": inject,
    "/nobody": nobody,
    "/noread": noread,
    "/overrun": overrun,
    "/raise": fail,
    "/raise-late": fail_late,
    "/sleep": sleep,
    "/status": status,
    "/stream": stream,
    "/underrun": underrun,
}


async def websocket(receive, send):
    """Echoes text frames."""
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": message.get("text") or ""})


async def lifespan(receive, send):
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    if scope["type"] == "websocket":
        return await websocket(receive, send)
    path = scope["path"]
    route = ROUTES.get("/env" if path.startswith("/env/") else path, not_found)
    await route(Answer(scope, receive, send))
