"""What a model is: sizes, the transformer, the projected network, the mixture, their losses and weights; nothing of how they are trained."""
