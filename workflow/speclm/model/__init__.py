"""What a model is: sizes, transformer, projected network, mixture, losses and weights; nothing of how it is trained."""
