"""Mean average precision (mAP) of detected objects as COCO defines it, computed by pycocotools."""

import contextlib
import io
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from bearcat.data.labels.boxes import BoxLabels
from bearcat.detection.decoding import Detections


def average_precision(truths: Sequence[BoxLabels], found: Sequence[Detections], names: Sequence[str]) -> dict:
    """Average precision, computed by pycocotools.

    Args:
        truths: Labels of the images.
        found: Detected objects of the same images.
        names: Classes of the model. Classes without an object in the labels do not count.

    Returns:
        map_50, map_50_95 and per_class: name → objects, ap_50 and ap_50_95.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    known = list(names) + sorted({name for truth in truths for name in truth.names} - set(names))
    number_of = {name: number for number, name in enumerate(known, start=1)}
    with contextlib.redirect_stdout(io.StringIO()):
        coco, results = COCO(), COCO()
        shared = {
            "images": [{"id": number, "width": t.width, "height": t.height} for number, t in enumerate(truths)],
            "categories": [{"id": number, "name": name} for name, number in number_of.items()],
        }
        coco.dataset = shared | {"annotations": list(_truth_rows(truths, number_of))}
        results.dataset = shared | {"annotations": list(_found_rows(found, number_of))}
        coco.createIndex()
        results.createIndex()
        evaluation = COCOeval(coco, results, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    # axes: IoU thresholds, recalls, classes, areas (first: all), most detections (last: 100)
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    objects = {name: sum(truth.names.count(name) for truth in truths) for name in known}
    per_class = {
        name: {
            "objects": objects[name],
            "ap_50": float(precision[0, :, number].mean()),
            "ap_50_95": float(precision[:, :, number].mean()),
        }
        for number, name in enumerate(known)
        if objects[name]
    }
    means = {f"map_{limit}": _mean(row[f"ap_{limit}"] for row in per_class.values()) for limit in ("50", "50_95")}
    return means | {"per_class": per_class}


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return float(np.mean(listed)) if listed else 0.0


def _truth_rows(truths: Sequence[BoxLabels], number_of: dict[str, int]) -> Iterator[dict]:
    number = 0
    for image, truth in enumerate(truths):
        for name, box in zip(truth.names, truth.boxes_xyxy, strict=True):
            number += 1
            yield _row(number, image, number_of[name], box) | {"iscrowd": 0}


def _found_rows(found: Sequence[Detections], number_of: dict[str, int]) -> Iterator[dict]:
    number = 0
    for image, detections in enumerate(found):
        for name, box, score in zip(detections.labels, detections.boxes_xyxy, detections.scores, strict=True):
            number += 1
            yield _row(number, image, number_of[name], box) | {"score": float(score)}


def _row(number: int, image: int, category: int, box_xyxy: Sequence[float]) -> dict:
    left, top, right, bottom = map(float, box_xyxy)
    width, height = right - left, bottom - top
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "bbox": [left, top, width, height],
        "area": width * height,
    }
