"""What `cheak_file.py` chooses by the images and labels: MODE, FRAMES and LAYOUT, each with the reason."""
