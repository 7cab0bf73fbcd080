"""Boxes as arrays: how much they overlap, and which of many that overlap stays. `xp` is NumPy or keras.ops."""

import itertools
import math

import numpy as np

from bearcat.detection.configs import Variant

EPSILON = 1e-7  # pixels²: keeps empty boxes from dividing by nothing


def areas(boxes, xp=np):
    """Return the areas (...) of boxes (..., 4), corners in either order of axes."""
    return xp.maximum(boxes[..., 2] - boxes[..., 0], 0.0) * xp.maximum(boxes[..., 3] - boxes[..., 1], 0.0)


def overlaps(boxes, others, xp=np):
    """Return intersection and union of boxes (..., 4) and others (..., 4), which are broadcast against each other."""
    low = xp.maximum(boxes[..., :2], others[..., :2])
    high = xp.minimum(boxes[..., 2:], others[..., 2:])
    sides = xp.maximum(high - low, 0.0)
    intersection = sides[..., 0] * sides[..., 1]
    return intersection, areas(boxes, xp) + areas(others, xp) - intersection


def iou(boxes, others, xp=np):
    """Return the intersection over union, 0 … 1, of boxes and others, broadcast against each other."""
    intersection, union = overlaps(boxes, others, xp)
    return intersection / (union + EPSILON)


def iou_matrix(boxes, others, xp=np):
    """Return the intersection over union (..., boxes, others) of each of boxes (..., b, 4) and others (..., o, 4)."""
    return iou(boxes[..., :, None, :], others[..., None, :, :], xp)


def suppress(boxes: np.ndarray, scores: np.ndarray, limit: float) -> np.ndarray:
    """Return the indices, best first, of the boxes (n, 4) that overlap no better one by more than `limit`.

    Greedy non-maximum suppression.
    """
    order = np.argsort(-scores, kind="stable")
    kept = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[iou(boxes[best], boxes[order]) <= limit]
    return np.array(kept, np.int64)


# ---- merged from detection.anchors: Anchors: the boxes that a detector corrects, and how a correction is written. `xp` is NumPy or keras.ops.


LARGEST_GROWTH = math.log(64.0)  # of a side against its anchor's; keeps exp() finite


def make_anchors(variant: Variant, height: int, width: int) -> np.ndarray:
    """Return all anchors, float32 (A, 4) as (ymin, xmin, ymax, xmax) in pixels of an input of this size.

    Order: levels from fine to coarse, rows, columns, octaves, ratios, as the heads give their outputs. An anchor of
    side s = anchor_scale · stride · 2^octave and ratio r (width over height) is s·√r wide and s/√r high, around the
    centre of its cell.
    """
    levels = []
    for level in variant.levels:
        stride = 2**level
        y, x = np.meshgrid(cell_centres(height, stride), cell_centres(width, stride), indexing="ij")
        sides = [
            (variant.anchor_scale * stride * 2**octave / math.sqrt(ratio), ratio)
            for octave, ratio in itertools.product(variant.octaves, variant.ratios)
        ]
        halves = np.array([(side / 2, side * ratio / 2) for side, ratio in sides])
        centres = np.stack([y, x], axis=-1)[:, :, None]
        levels.append(np.concatenate([centres - halves, centres + halves], axis=-1).reshape(-1, 4))
    return np.concatenate(levels).astype(np.float32)


def cell_centres(length: int, stride: int) -> np.ndarray:
    """Return where the centres of a level's cells lie along a side, in pixels."""
    return (np.arange(-(-length // stride)) + 0.5) * stride


def _centres_and_sizes(boxes, xp):
    low, high = boxes[..., :2], boxes[..., 2:]
    return (low + high) / 2, high - low


def encode_boxes(boxes_yxyx, anchors_yxyx, xp=np):
    """Return the corrections (..., 4) that lead from anchors to boxes.

    (y, x) of the centre in sides of the anchor, and the logarithm of (height, width) over the anchor's
    (Girshick et al. 2014, appendix C).
    """
    centres, sizes = _centres_and_sizes(boxes_yxyx, xp)
    anchor_centres, anchor_sizes = _centres_and_sizes(anchors_yxyx, xp)
    return xp.concatenate([(centres - anchor_centres) / anchor_sizes, xp.log(sizes / anchor_sizes)], axis=-1)


def decode_boxes(corrections, anchors_yxyx, xp=np):
    """Return the boxes (..., 4) as (ymin, xmin, ymax, xmax) that corrections make of anchors."""
    anchor_centres, anchor_sizes = _centres_and_sizes(anchors_yxyx, xp)
    centres = corrections[..., :2] * anchor_sizes + anchor_centres
    halves = xp.exp(xp.minimum(corrections[..., 2:], LARGEST_GROWTH)) * anchor_sizes / 2
    return xp.concatenate([centres - halves, centres + halves], axis=-1)
