"""Training: configuration, data pipelines, epochs and callbacks, resuming, several replicas, and the learning curve."""
