"""report/test.html of boxes: drawings of the worst images, and the classes."""

from PIL import Image

from bearcat.reports.box_page import render_box_page

PERFECT = {"ap_50": 1.0, "ap_50_95": 1.0}


def test_the_page_shows_the_worst_drawings_and_the_classes():
    report = {"images": 4, "all_clicks_correct": 0.75, "all_clicks_correct_ci95": [0.3, 0.95], "map_50": 0.9}
    report |= {"map_50_95": 0.7, "ms_per_image": {"p50": 1.0, "p99": 2.0}, "mistakes": [{}], "prompts": 4}
    report |= {"points_correct": 1.0, "points_correct_ci95": [0.5, 1.0]}
    report["per_class"] = {"天": {"objects": 3, "ap_50": 0.9, "ap_50_95": 0.7}, "<b>": {"objects": 1} | PERFECT}
    page = render_box_page(report, [("a.png", Image.new("RGB", (320, 160)))], ["Do this."], [("work", "clicks")])
    assert page.index("天") < page.index("&lt;b&gt;")
    assert page.count('class="card"') == 1
    assert "100.00% of 4" in page
    assert "<b>" not in page
