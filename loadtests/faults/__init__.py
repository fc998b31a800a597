"""Tools to break things: a TCP proxy that spoils connections, and faults of processes. docs/faults.md tells how.

The proxy is a process of its own (`python -m loadtests.faults`): a `Proxy` accepts, each `Connection` has two `Link`s,
and a `Link` carries one direction through the `Toxic`s that hold for it. A `Dose` is a toxic in force with the proof
that it bit. `processes.py` kills, stops and continues processes of the caller.
"""
