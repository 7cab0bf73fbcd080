"""What networks are built from and trained with: backbones, layers, losses, metrics and optimizers."""
