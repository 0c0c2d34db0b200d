"""A program that nobody serves: whoever sees its answer has made a server load it."""


def application(environ, start):
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", "21")])
    return [b'{"PATH_INFO":"other"}']
