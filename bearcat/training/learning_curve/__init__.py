"""How many more images would help, and what images without labels add: trainings on parts of the packed images.

Each part is trained in a work of its own under report/curve. Errors that fall as a power of the number of images are a
straight line on logarithmic axes (Hestness et al. 2017); the fit and its interval say what the next goals need.
"""
