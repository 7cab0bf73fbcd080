"""Boxes as arrays: how much they overlap, and which of many that overlap stays. `xp` is NumPy or keras.ops."""

import numpy as np

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
