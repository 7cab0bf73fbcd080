"""Trained models: cards, checkpoints, pretrained weights, calibration, export and inference."""
