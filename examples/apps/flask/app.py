"""The example application as a Flask (WSGI) program; ../README.md lists its URLs.

What WSGI does differently from the other two:

* the body is read only when a view asks for it, so /noread really leaves it unread;
* Werkzeug drops the bodies of HEAD requests and of 204 and 304 answers before the server sees them;
* /fail is Flask's own 500 page; /fail-raw lets the exception escape to the server: uWSGI then closes the
  connection without a byte, Gunicorn sends a 500 page of its own;
* /fail-late breaks off in the middle of the body: the connection closes, nothing says that bytes are missing.
"""

import hashlib
import json
import time

from flask import Flask, Response, request

PIECE = 65536  # bytes handled at a time
HASH_LIMIT = 1024 * 1024  # largest download that is announced with its hash
METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PROPFIND", "PUT", "REPORT"]

app = Flask(__name__)


def route(path):
    """Serve `path` for every method, OPTIONS included."""
    return app.route(path, methods=METHODS, provide_automatic_options=False)


def number(name, default):
    return request.args.get(name, default, type=int)


def answer(body, content_type="text/plain", status=200):
    return Response(body, status=status, content_type=content_type)


def as_json(value):
    body = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return answer(body + "\n", "application/json")


@route("/")
def index():
    paths = sorted(rule.rule for rule in app.url_map.iter_rules() if not rule.arguments)
    links = "".join(f'<li><a href="{path}">{path}</a></li>\n' for path in paths)
    page = f"<!DOCTYPE html>\n<title>Example application</title>\n<ul>\n{links}</ul>\n"
    return answer(page, "text/html; charset=utf-8")


@route("/env")
@route("/env/<path:_rest>")
def env(_rest=""):
    """WSGI strings hold one byte per character (PEP 3333); most of those bytes are UTF-8."""
    return as_json(
        {
            name: value.encode("latin-1", "replace").decode("utf-8", "replace")
            for name, value in request.environ.items()
            if isinstance(value, str)
        }
    )


@route("/echo")
def echo():
    body = request.get_data()
    response = answer(body, request.content_type or "application/octet-stream")
    response.headers["X-Body-Length"] = str(len(body))
    response.headers["X-Method"] = request.method
    return response


@route("/upload")
def upload():
    digest, length = hashlib.sha256(), 0
    while piece := request.stream.read(PIECE):
        digest.update(piece)
        length += len(piece)
    return as_json({"length": length, "sha256": digest.hexdigest()})


@route("/download")
def download():
    """Byte i is (i * 31 + 7) & 0xff; the pattern repeats every 256 bytes, so every piece starts alike."""
    size = number("bytes", 0)
    piece = bytes((i * 31 + 7) & 0xFF for i in range(256)) * (PIECE // 256)

    def pieces():
        for start in range(0, size, PIECE):
            yield piece[: min(PIECE, size - start)]

    response = answer(pieces(), "application/octet-stream")
    response.headers["Content-Length"] = str(size)
    if size <= HASH_LIMIT:
        response.headers["X-Sha256"] = hashlib.sha256(b"".join(pieces())).hexdigest()
    return response


def trickle(content_type, count, form):
    pause = number("ms", 100) / 1000

    def pieces():
        for i in range(count):
            if i > 0:
                time.sleep(pause)
            yield form.format(i)

    response = answer(pieces(), content_type)
    response.headers["Cache-Control"] = "no-cache"
    return response


@route("/stream")
def stream():
    return trickle("text/plain", number("chunks", 5), "chunk {}\n")


@route("/events")
def events():
    return trickle("text/event-stream", number("count", 5), "data: {}\n\n")


@route("/cookies")
def cookies():
    response = answer("cookies\n")
    for i in range(number("count", 1)):
        response.headers.add("Set-Cookie", f"c{i}=v{i}")
    return response


@route("/status")
def status():
    code = number("code", 200)
    return answer("" if code in (204, 304) else f"status {code}\n", status=code)


@route("/headers")
def headers():
    response = answer("headers\n")
    for i in range(number("count", 1)):
        response.headers[f"X-Big-{i}"] = "x" * number("size", 10)
    return response


@route("/redirect")
def redirect():
    response = answer("redirect\n", status=number("code", 302))
    response.autocorrect_location_header = False
    response.headers["Location"] = request.args.get("to", "/")
    return response


@route("/fail")
def fail():
    raise RuntimeError("fail")


@route("/fail-late")
def fail_late():
    def pieces():
        yield "partial"
        raise RuntimeError("fail-late")

    response = answer(pieces())
    response.headers["Content-Length"] = "1000"
    return response


@route("/fail-raw")
def fail_raw():
    """Flask would turn an exception raised here into a page, so `application` raises it instead."""
    raise RuntimeError("fail-raw")


@route("/sleep")
def sleep():
    time.sleep(number("ms", 100) / 1000)
    return answer("slept\n")


@route("/stderr")
def stderr():
    errors = request.environ["wsgi.errors"]
    for i in range(number("lines", 1)):
        errors.write(f"stderr line {i}\n")
    errors.flush()
    return answer("logged\n")


@route("/noread")
def noread():
    return answer("ignored\n")


@route("/head-test")
def head_test():
    return answer("0123456789")


@app.errorhandler(404)
def not_found(_error):
    return answer("not found\n", status=404)


class Escaping:
    """Middleware that lets the exception of /fail-raw reach the WSGI server."""

    def __init__(self, wsgi_app):
        self.wsgi_app = wsgi_app

    def __call__(self, environ, start_response):
        if environ.get("PATH_INFO") == "/fail-raw":
            raise RuntimeError("fail-raw")
        return self.wsgi_app(environ, start_response)


app.wsgi_app = Escaping(app.wsgi_app)
application = app
