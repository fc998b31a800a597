"""Moto's S3 server and no other of its services: `python tests/s3_moto.py`, on a free port of loopback, which it tells.

`python -m moto.server` looks through all of its services with every request, which takes it as long as the request.
"""

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

if __name__ == "__main__":
    run_simple("127.0.0.1", 0, create_backend_app("s3"), threaded=True, request_handler=MotoRequestHandler)
