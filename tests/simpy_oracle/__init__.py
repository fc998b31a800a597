"""The simulated night a second time, in SimPy and plain Python: the oracle that `scenarios.simulation` is held against.

Written from docs/simulation.md, and unlike the kernel wherever it can be: a process for each person, server, worker and
fault, real lines instead of reckoned instants, answers read when they come, the gate's own memory of its counts. It
shares with the kernel what is input (the night, costs, resources), the rules of the service and of its applicants, and
the keys of the draws, so that whoever ends differently shows a fault in one of the two.
"""
