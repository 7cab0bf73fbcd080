"""How far each random change of a picture may go, so that a person still reads the text at the first glance."""

TURN = 0.08  # radians
SCALE = 0.10  # share of the size
SHEAR = 0.15  # pixels to the side for each pixel down
SHIFT_X, SHIFT_Y = 0.04, 0.06  # shares of the width and the height
CONTRAST = 0.2  # share
BRIGHTNESS = 20.0  # grey levels
