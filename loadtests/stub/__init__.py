"""A target that costs next to nothing: the whole API, answered at once from canned answers, every request counted.

It stands where the service would, so that what a swarm shows is the swarm's own doing.
"""
