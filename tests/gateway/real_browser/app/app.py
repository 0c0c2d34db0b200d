"""The other application behind the page: see index.php."""

import hashlib
import time

from flask import Flask, Response, jsonify, request

application = Flask(__name__)


@application.get("/flask/picture")
def picture():
    hue = 6 * request.args.get("n", type=int)
    square = f"<rect width='24' height='24' fill='hsl({hue} 70% 50%)'/>"
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24'>{square}</svg>"
    return Response(svg, content_type="image/svg+xml")


@application.post("/flask/upload")
def upload():
    body = request.get_data()
    return jsonify(length=len(body), sha256=hashlib.sha256(body).hexdigest())


@application.get("/flask/events")
def events():
    def each():
        for number in range(1, 6):
            yield f"id: {number}\ndata: event {number}\n\n"
            time.sleep(0.05)
        yield "event: end\ndata: end\n\n"

    return Response(each(), content_type="text/event-stream")
