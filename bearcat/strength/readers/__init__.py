"""What tries to read the images: trained networks, the pretrained weights, and readers that anyone can install."""
