"""How models are trained: one loop for every method, what surrounds it, and the measuring of what came out."""
