"""A client on Python's h2. Arguments: host, port, and what to do. Prints what came of it."""

import socket
import sys

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    InformationalResponseReceived,
    PingAckReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)

host, port, task = sys.argv[1], int(sys.argv[2]), sys.argv[3]
sock = socket.create_connection((host, port), timeout=10)
http = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
statuses, bodies, ended, resets, pongs = {}, {}, set(), [], 0
hints, trailers = [], {}
goodbye = None


def flush():
    sock.sendall(http.data_to_send())


def fields(method, path, *more):
    pseudo = [(":method", method), (":scheme", "http"), (":authority", "a.example"), (":path", path)]
    return pseudo + list(more)


def receive():
    """Takes what came; whether the connection goes on."""
    global pongs, goodbye
    data = sock.recv(65536)
    if not data:
        return False
    for event in http.receive_data(data):
        if isinstance(event, ResponseReceived):
            statuses[event.stream_id] = dict(event.headers)[":status"]
        elif isinstance(event, InformationalResponseReceived):
            hints.append(dict(event.headers))
        elif isinstance(event, TrailersReceived):
            trailers.update(event.headers)
        elif isinstance(event, DataReceived):
            bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
            http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            ended.add(event.stream_id)
        elif isinstance(event, StreamReset):
            resets.append(event.stream_id)
        elif isinstance(event, PingAckReceived):
            pongs += 1
        elif isinstance(event, ConnectionTerminated):
            goodbye = (int(event.error_code), (event.additional_data or b"").decode())
    flush()
    return True


def wait(done):
    while not done():
        assert receive(), "the connection ended"


http.initiate_connection()
flush()

if task == "page":
    streams = []
    for number in range(60):
        stream = http.get_next_available_stream_id()
        http.send_headers(stream, fields("GET", f"/first?{number}"), end_stream=True,
                          priority_weight=16, priority_depends_on=0, priority_exclusive=False)
        streams.append(stream)
        if number % 10 == 0:
            http.ping(b"the way?")
    flush()
    wait(lambda: ended >= set(streams) and pongs == 6)
    assert set(statuses.values()) == {"200"} and not resets and goodbye is None
    print(*[bodies[stream].decode() for stream in streams], sep="\n")
elif task == "upload":
    stream = http.get_next_available_stream_id()
    http.send_headers(stream, fields("POST", "/first"))
    left = 1024 * 1024
    while left:
        room = min(http.local_flow_control_window(stream), http.max_outbound_frame_size, left)
        if room:
            http.send_data(stream, b"x" * room, end_stream=room == left)
            left -= room
            flush()
        else:
            assert receive(), "the connection ended"
    wait(lambda: stream in ended)
    print(statuses[stream], bodies[stream].decode())
elif task == "cookies":
    for stream in (1, 3):
        http.send_headers(stream, fields("GET", "/first", ("cookie", "a=1"), ("cookie", "b=2")), end_stream=True)
    flush()
    wait(lambda: ended >= {1, 3})
    print(statuses[1], statuses[3])
elif task == "pings":
    for number in range(200):
        http.ping(number.to_bytes(8, "big"))
    flush()
    while goodbye is None and receive():
        pass
    print(*goodbye)
elif task == "hints":
    http.send_headers(1, fields("GET", "/hints", ("te", "trailers")), end_stream=True)
    flush()
    wait(lambda: 1 in ended)
    print([(hint[":status"], hint.get("link")) for hint in hints], statuses[1], bodies[1].decode(), trailers)
elif task == "reset":
    http.send_headers(1, fields("GET", "/wait"), end_stream=True)
    http.send_headers(3, fields("GET", "/first"), end_stream=True)
    flush()
    wait(lambda: 3 in ended)
    http.reset_stream(1, 8)
    http.send_headers(5, fields("GET", "/last"), end_stream=True)
    flush()
    wait(lambda: 5 in ended)
    print(bodies[3].decode(), "/", bodies[5].decode(), "/", sorted(statuses))
