"""What pretrained transformers share: checkpoints, tokens, encoders, pooling, networks to train."""
