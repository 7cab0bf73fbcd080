"""Texts of the page for boxes in English and Chinese: those of the other labelling page, with some of its own."""

from bearcat.labelling.translations import TEXTS as SHARED
from bearcat.labelling.translations import LabellingError

_OWN = {
    "en": {
        "title": "Draw boxes",
        "tagline": "Are all boxes and names correct? Press Enter. If not, correct them first.",
        "tagline_no_model": "Draw a box around each object, name it, and press Enter when all are done.",
        "classes_hint": "Type a name, or click a known one.",
        "keys": "Mouse: drag to draw, click to select · Tab: next box · arrow keys: move by a pixel · "
        "with Shift: resize · with Ctrl: ten pixels",
        "label_field": "Name of the selected box",
        "remove": "Remove box",
        "draw_hint": "Drag over an object to draw its box.",
        "selected_hint": "The least confident box is selected: typing renames it, Delete removes it.",
        "name_missing": "This box has no name yet.",
        "no_objects": "There are no boxes. Press Enter again if the image shows no objects.",
        "saved": "Boxes saved: {count}, with the image as {file}",
        "undone": "Undone: {file} was removed from the data set",
        "label_empty": "A box has no name.",
        "label_unprintable": "A name contains an invisible character: type it again.",
        "label_too_long": "A name is too long: at most {limit} characters are allowed.",
        "name_is_blank": "An object cannot be named _, which stands for none.",
        "box_refused": "A box was refused: {reason}",
        "box_too_small": "The box of {name} is too small: at least {limit}×{limit} pixels are needed.",
        "blank_image": "All pixels of this image have one colour, so it can show no objects.",
    },
    "zh": {
        "title": "标注边框",
        "tagline": "所有边框和名称都正确吗？正确请按回车；不正确请先修改。",
        "tagline_no_model": "请框出每个物体并输入名称，全部完成后按回车。",
        "classes_hint": "直接输入名称，或点击已有的名称。",
        "keys": "鼠标：拖动画框，单击选中 · Tab：下一个框 · 方向键：移动一个像素 · "
        "加 Shift：调整大小 · 加 Ctrl：十个像素",
        "label_field": "所选边框的名称",
        "remove": "删除边框",
        "draw_hint": "在物体上拖动鼠标，画出它的边框。",
        "selected_hint": "已选中置信度最低的框：直接输入可改名，按 Delete 删除。",
        "name_missing": "这个框还没有名称。",
        "no_objects": "没有任何边框。如果图片中确实没有物体，请再按一次回车。",
        "saved": "已保存 {count} 个边框，图片保存为 {file}",
        "undone": "已撤销：{file} 已从数据集中移除",
        "label_empty": "有一个框没有名称。",
        "label_unprintable": "名称里有不可见字符，请重新输入。",
        "label_too_long": "名称太长，最多 {limit} 个字符。",
        "name_is_blank": "物体不能叫 _，它表示“无”。",
        "box_refused": "边框有误：{reason}",
        "box_too_small": "{name} 的边框太小，至少需要 {limit}×{limit} 像素。",
        "blank_image": "这张图片只有一种颜色，不可能有物体。",
    },
}
TEXTS = {language: SHARED[language] | own for language, own in _OWN.items()}


class BoxError(LabellingError):
    """Refusal of boxes or their names, with a text of this page."""

    texts = TEXTS
