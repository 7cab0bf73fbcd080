"""What runs beside the labelling page in processes of its own: guesses of the pretrained weights, and trainings."""
