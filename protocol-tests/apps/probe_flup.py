"""The probe application under flup: probe_flup.py fastcgi|scgi SOCKET."""

import importlib
import sys

from probe import application

MODULES = {"fastcgi": "flup.server.fcgi", "scgi": "flup.server.scgi"}

if __name__ == "__main__":
    protocol, socket = sys.argv[1:]
    server = importlib.import_module(MODULES[protocol])
    server.WSGIServer(application, bindAddress=socket, umask=0).run()
