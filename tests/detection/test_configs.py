"""What PHI = 'auto' stands for, and the input sizes of the detectors."""

from types import SimpleNamespace

import pytest

from bearcat.detection.configs import choose_phi, input_spec


def test_auto_is_light_on_a_cpu_and_d0_on_a_gpu():
    assert choose_phi("auto", on_gpu=False) == -1
    assert choose_phi("auto", on_gpu=True) == 0
    assert choose_phi(3, on_gpu=False) == 3


@pytest.mark.parametrize(("phi", "expected"), [(-1, (96, 128)), (0, (512, 512)), (1, (640, 640))])
def test_the_sides_of_an_input_are_multiples_of_the_largest_stride(phi: int, expected: tuple[int, int]):
    sizes = [500, 640, 768, 896, 1024, 1280, 1408, 1536]
    settings = SimpleNamespace(
        IMAGE_HEIGHT=90, IMAGE_WIDTH=128, IMAGE_CHANNALS=3, FRAMES="last", LAYOUT="line", IMAGE_SIZES=sizes
    )
    spec = input_spec(settings, phi)
    assert (spec.height, spec.width, spec.channels, spec.frames) == (*expected, 3, "last")
