"""One row per mode."""

from bearcat.data.codecs import TEXT_CODECS
from bearcat.detection.decoding import DetectionCodec

CODECS = {**TEXT_CODECS, "EFFICIENTDET": DetectionCodec}
