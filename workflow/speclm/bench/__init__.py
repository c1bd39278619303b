"""The benchmark: how fast the training engine is beside its peers, the machine's own rate and the paper's table."""
