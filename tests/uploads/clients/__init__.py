"""Clients that the tests let loose on our upload server."""
