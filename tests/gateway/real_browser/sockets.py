"""A WebSocket server that sends every message back (RFC 6455), on the unix socket that the argument names."""

import base64
import hashlib
import socket
import struct
import sys
import threading

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def exactly(stream, count):
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


def frame(stream):
    """Whether it is the last one of its message, its kind, its payload."""
    first, second = exactly(stream, 2)
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack("!H", exactly(stream, 2))
    elif length == 127:
        (length,) = struct.unpack("!Q", exactly(stream, 8))
    mask = exactly(stream, 4)
    payload = exactly(stream, length)
    mask = mask * (length // 4 + 1)
    plain = int.from_bytes(payload, "big") ^ int.from_bytes(mask[:length], "big")
    return first & 0x80, first & 0x0F, plain.to_bytes(length, "big")


def put(connection, kind, payload):
    if len(payload) < 126:
        head = bytes([0x80 | kind, len(payload)])
    elif len(payload) < 0x10000:
        head = struct.pack("!BBH", 0x80 | kind, 126, len(payload))
    else:
        head = struct.pack("!BBQ", 0x80 | kind, 127, len(payload))
    connection.sendall(head + payload)


def serve(connection):
    stream = connection.makefile("rb")
    fields = {}
    stream.readline()
    while (line := stream.readline().strip()):
        name, _, value = line.partition(b":")
        fields[name.lower()] = value.strip()
    if b"sec-websocket-key" not in fields:
        return connection.close()  # looked whether there is a server
    accept = base64.b64encode(hashlib.sha1(fields[b"sec-websocket-key"] + GUID).digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    message, kind = b"", 0
    try:
        while True:
            last, opcode, payload = frame(stream)
            if opcode == 8:
                put(connection, 8, payload)
                break
            if opcode == 9:
                put(connection, 10, payload)
            elif opcode in (0, 1, 2):
                message, kind = message + payload, opcode or kind
                if last:
                    put(connection, kind, message)
                    message = b""
    except (EOFError, ConnectionError):
        pass
    connection.close()


listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
while True:
    client, _ = listener.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
