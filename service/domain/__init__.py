"""Rules without I/O: plain values and functions; time and randomness come in as arguments."""
