"""Boxes and anchors as arrays: overlap, non-maximum suppression, decoding of offsets from anchors.

Functions with an argument `xp` compute with NumPy, TensorFlow or keras.ops.
"""

import itertools
import math

import numpy as np

from bearcat.detection.configs import DetectorConfig

MATCH_IOU = 0.5  # from this IoU on a box of the same class matches an object
EPSILON = 1e-7  # pixels²: avoids division by zero for empty boxes
MAX_LOG_GROWTH = math.log(64.0)  # of a side relative to its anchor's; keeps exp() finite


def areas(boxes, xp=np):
    """Areas (...) of boxes (..., 4), whose corners may be in either order of axes."""
    return xp.maximum(boxes[..., 2] - boxes[..., 0], 0.0) * xp.maximum(boxes[..., 3] - boxes[..., 1], 0.0)


def intersection_and_union(boxes, others, xp=np):
    """Areas of intersection and union of boxes (..., 4) and others (..., 4), broadcast against each other."""
    low = xp.maximum(boxes[..., :2], others[..., :2])
    high = xp.minimum(boxes[..., 2:], others[..., 2:])
    sides = xp.maximum(high - low, 0.0)
    intersection = sides[..., 0] * sides[..., 1]
    return intersection, areas(boxes, xp) + areas(others, xp) - intersection


def iou(boxes, others, xp=np):
    """Intersection over union, 0 … 1, of boxes (..., 4) and others (..., 4), broadcast against each other."""
    intersection, union = intersection_and_union(boxes, others, xp)
    return intersection / (union + EPSILON)


def iou_matrix(boxes, others, xp=np):
    """Intersection over union (..., b, o) of each of boxes (..., b, 4) with each of others (..., o, 4)."""
    return iou(boxes[..., :, None, :], others[..., None, :, :], xp)


def non_max_suppression(boxes: np.ndarray, scores: np.ndarray, max_iou: float) -> np.ndarray:
    """Greedy non-maximum suppression.

    Args:
        boxes: Boxes (n, 4).
        scores: Scores (n,).
        max_iou: Boxes that overlap a better one by more are dropped.

    Returns:
        Indices of the kept boxes, best first.
    """
    order = np.argsort(-scores, kind="stable")
    kept = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[iou(boxes[best], boxes[order]) <= max_iou]
    return np.array(kept, np.int64)


def make_anchors(config: DetectorConfig, height: int, width: int) -> np.ndarray:
    """The anchors of a detector in the order of the heads' outputs: levels (fine to coarse), y, x, octaves, ratios.

    An anchor of side s = anchor_scale · stride · 2^octave and aspect ratio r is s·√r wide and s/√r high, centred on
    its cell.

    Args:
        config: The detector.
        height: Height of its input in pixels.
        width: Width of its input in pixels.

    Returns:
        Boxes float32 (anchors, 4) of (ymin, xmin, ymax, xmax) in pixels.
    """
    levels = []
    for level in config.levels:
        stride = 2**level
        y, x = np.meshgrid(_cell_centres(height, stride), _cell_centres(width, stride), indexing="ij")
        sides = [
            (config.anchor_scale * stride * 2**octave / math.sqrt(ratio), ratio)
            for octave, ratio in itertools.product(config.octaves, config.ratios)
        ]
        half_sizes = np.array([(side / 2, side * ratio / 2) for side, ratio in sides])
        centres = np.stack([y, x], axis=-1)[:, :, None]
        levels.append(np.concatenate([centres - half_sizes, centres + half_sizes], axis=-1).reshape(-1, 4))
    return np.concatenate(levels).astype(np.float32)


def _cell_centres(length: int, stride: int) -> np.ndarray:
    return (np.arange(-(-length // stride)) + 0.5) * stride


def decode_boxes(offsets, anchors_yxyx, xp=np):
    """Decodes offsets from anchors (Girshick et al. 2014, appendix C).

    Args:
        offsets: Offsets (..., 4): the (y, x) shift of the centre in sides of the anchor, and the logarithm of
            (height, width) relative to the anchor's.
        anchors_yxyx: Anchors (..., 4).
        xp: Module to compute with.

    Returns:
        Boxes (..., 4) of (ymin, xmin, ymax, xmax).
    """
    low, high = anchors_yxyx[..., :2], anchors_yxyx[..., 2:]
    sizes = high - low
    centres = offsets[..., :2] * sizes + (low + high) / 2
    half_sizes = xp.exp(xp.minimum(offsets[..., 2:], MAX_LOG_GROWTH)) * sizes / 2
    return xp.concatenate([centres - half_sizes, centres + half_sizes], axis=-1)
