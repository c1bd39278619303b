"""The peer that counts: a 5-gram over the same tokens, whole and pruned, beside the networks."""
