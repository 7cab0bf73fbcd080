"""Networks with one layer of each kind, for tests of how networks are trained rather than of what they learn."""

from dataclasses import replace

import pytest

TOY_FILTERS = (32, 32)  # as the first of `tiny`, whose pretrained weights they take
TOY_STRIDES = (2, 2)


def shrink_networks(patch: pytest.MonkeyPatch) -> None:
    """Shrinks the backbone `tiny`, what follows a backbone, and the light detector in this process.

    Tracing a training step then takes a fraction of the time. Call it once TensorFlow has been started.
    """
    import models
    from bearcat.detection import network
    from bearcat.detection.configs import DETECTORS, LIGHT_PHI, detector_name
    from bearcat.networks.backbones import light

    def toy_levels(pixels, config) -> list:
        return [network.convolution_norm_relu(pixels, 16, 5, 8)]

    patch.setitem(light.VARIANTS, "tiny", TOY_FILTERS)
    patch.setattr(light, "STRIDES", TOY_STRIDES)
    patch.setattr(models, "NEAR_CONTEXT", (1,))
    patch.setattr(models, "FAR_CONTEXT", (3,))
    patch.setitem(network.BACKBONES, "plain", toy_levels)
    name = detector_name(LIGHT_PHI)
    patch.setitem(DETECTORS, name, replace(DETECTORS[name], filters=16, cells=1, depth=1, levels=(3,)))
