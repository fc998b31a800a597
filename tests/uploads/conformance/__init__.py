"""What tus 1.0.0 demands of a server, one case for each demand, run against ours and against others'."""
