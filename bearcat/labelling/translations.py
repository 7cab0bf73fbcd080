"""Texts of the labelling page in English and Chinese, its refusals included."""

from bearcat.core.errors import DataError

TEXTS = {
    "en": {
        "title": "Label images",
        "folders": "Confirmed images are copied from {folder} to {target}; the originals are not changed.",
        "tagline": "Is the label correct? Press Enter. If not, correct it first.",
        "tagline_no_model": "Type what the image shows and press Enter.",
        "labelled": "labelled in this session",
        "remaining": "remaining",
        "skipped": "skipped",
        "already_labelled": "already in the data sets",
        "duplicates": "duplicates",
        "damaged": "damaged, left out",
        "predicting": "predicting: {share}",
        "image": "The image to label",
        "predicted_by": "predicted by {model}",
        "predicted_by_guess": "guess of the pretrained weights",
        "predicted_by_trained": "predicted by the model trained on {count} labels",
        "tagline_guess": "A guess of the pretrained weights, which have not learnt from your images: correct it, or "
        "press Enter if it is right.",
        "status_guess": "The pretrained weights are being prepared to guess the labels; you can label already.",
        "status_trained": "Training on {count} labels beside this page …",
        "status_needed": "Labels until the next training beside this page: {count}",
        "status_failed": "The last training beside this page failed; the terminal says why. Labelling goes on.",
        "view_single": "One by one",
        "view_grid": "Grid of confident predictions: {count}",
        "grid_hint": "Mark every wrong prediction: click it, or move with the arrow keys and press the space bar; E "
        "edits it here. Then Enter confirms all others, and the marked images are shown one by one. Undo takes back "
        "the whole grid.",
        "grid_confirm": "Confirm {count}",
        "grid_confirm_marked": "Confirm {count}, leave {marked}",
        "saved_many": "{count} labels saved",
        "saved_many_marked": "{count} labels saved, {marked} marked as wrong: they are shown first, one by one",
        "undone_many": "{count} labels undone: their images were removed from the data set",
        "overall_confidence": "overall confidence: {share}",
        "empty_prediction": "no text recognised",
        "label_field": "Label",
        "confirm": "Confirm",
        "skip": "Skip",
        "undo": "Undo",
        "selected_hint": "The least confident character is selected: typing replaces it.",
        "arrived_hint": "A prediction has arrived. All of it is selected: typing replaces it.",
        "new_symbol": "{symbols}: not seen before. Press Enter again to confirm.",
        "classes_hint": "Type a class, or choose a known one with ↓ and ↑.",
        "saved": "{label} saved as {file}",
        "undone": "{label} undone: {file} was removed from the data set",
        "image_skipped": "Skipped. The image is shown again at the end.",
        "waiting": "Predicting labels …",
        "done": "All images are labelled.",
        "done_skipped": "Only skipped images are left: {count}",
        "review_skipped": "Show the skipped images",
        "finish": "Enough for now?",
        "finish_hint": "All confirmed images are in {target}. Stop app.py with Ctrl-C in its terminal, then run:",
        "finish_later": "Then start app.py --label again: the new model predicts better, and labelled images are not "
        "shown again.",
        "no_connection": "app.py does not respond; has it been stopped? Everything you confirmed is saved.",
        "label_empty": "The label is empty: type what the image shows, or skip the image.",
        "label_has_separator": "A label cannot contain _, which separates it from the rest of the file name.",
        "label_unprintable": "The label contains an invisible character: type it again.",
        "label_too_long": "The label is too long: at most {limit} characters are allowed.",
        "label_unfit_for_name": "{label} contains {characters}, which a file name cannot contain. Such labels need a "
        "label table: create {table} with the line file,label and one line for every image that is already in "
        "{folder}, then confirm again.",
        "label_not_parsed": "{label} would not be parsed from the name {file}: extraction_label in utils.py expects "
        "another form of names.",
        "table_refused": "The label table in {folder} cannot take this label: {reason}",
        "name_taken": "{file} exists already and holds another image; it was not overwritten.",
        "already_in_data": "This image is already in the data sets, as {file}; it was not added again.",
        "image_gone": "{file} no longer exists; it is left out.",
        "image_changed": "{file} has changed since app.py was started; it is left out. Start app.py again to label it.",
        "cannot_undo": "{file} was moved or changed since, or its original is gone, so it is kept. Remove it by hand "
        "if it is wrong.",
        "nothing_to_undo": "There is nothing to undo in this session.",
        "not_open": "This image has been labelled or left out in the meantime.",
        "no_such_image": "There is no such image.",
        "too_many": "A grid has at most {limit} images.",
        "failed": "Something went wrong; see the terminal of app.py.",
    },
    "zh": {
        "title": "标注图片",
        "folders": "确认后的图片会从 {folder} 复制到 {target}，原图不会改动。",
        "tagline": "标签正确吗？正确请按回车；不正确请先修改。",
        "tagline_no_model": "请输入图片内容，然后按回车。",
        "labelled": "本次已标注",
        "remaining": "剩余",
        "skipped": "已跳过",
        "already_labelled": "已在数据集中",
        "duplicates": "重复",
        "damaged": "已损坏，不参与标注",
        "predicting": "正在识别：{share}",
        "image": "待标注的图片",
        "predicted_by": "识别模型：{model}",
        "predicted_by_guess": "预训练权重的猜测",
        "predicted_by_trained": "识别模型：用 {count} 个标签训练",
        "tagline_guess": "这是预训练权重的猜测，它还没有学过您的图片：不正确请修改，正确请按回车。",
        "status_guess": "正在准备用预训练权重猜测标签，现在就可以开始标注。",
        "status_trained": "正在后台用 {count} 个标签训练……",
        "status_needed": "再标注 {count} 张，后台会开始训练，识别会更准。",
        "status_failed": "上一次后台训练失败，原因见终端；不影响标注。",
        "view_single": "逐张标注",
        "view_grid": "高置信度图片网格：{count}",
        "grid_hint": "请标出识别错误的图片：点击它，或用方向键移动后按空格；按 E 可直接修改。然后按回车确认其余图片，"
        "标出的图片会逐张显示。撤销会撤回整个网格。",
        "grid_confirm": "确认 {count} 张",
        "grid_confirm_marked": "确认 {count} 张，留下 {marked} 张",
        "saved_many": "已保存 {count} 个标签",
        "saved_many_marked": "已保存 {count} 个标签；标出的 {marked} 张会优先逐张显示",
        "undone_many": "已撤销 {count} 个标签：对应图片已从数据集中移除",
        "overall_confidence": "整体置信度：{share}",
        "empty_prediction": "未识别出内容",
        "label_field": "标签",
        "confirm": "确认",
        "skip": "跳过",
        "undo": "撤销",
        "selected_hint": "已选中置信度最低的字符，直接输入即可替换。",
        "arrived_hint": "识别结果刚刚更新，已全部选中，直接输入即可替换。",
        "new_symbol": "{symbols}：之前没有出现过。确认无误请再按一次回车。",
        "classes_hint": "直接输入，或用 ↓ ↑ 键选择已有类别。",
        "saved": "{label} 已保存为 {file}",
        "undone": "已撤销 {label}：{file} 已从数据集中移除",
        "image_skipped": "已跳过，最后会再次显示。",
        "waiting": "正在识别图片……",
        "done": "所有图片都已标注。",
        "done_skipped": "只剩下跳过的图片：{count}",
        "review_skipped": "查看跳过的图片",
        "finish": "先标到这里？",
        "finish_hint": "确认过的图片都在 {target} 中。在终端按 Ctrl-C 停止 app.py，然后运行：",
        "finish_later": "训练后再次运行 app.py --label：新模型识别得更准，已标注的图片不会再出现。",
        "no_connection": "app.py 没有响应，可能已经停止。确认过的内容均已保存。",
        "label_empty": "标签为空：请输入图片内容，或跳过这张图片。",
        "label_has_separator": "标签不能包含 _，因为文件名用它来分隔标签和其余部分。",
        "label_unprintable": "标签里有不可见字符，请重新输入。",
        "label_too_long": "标签太长，最多 {limit} 个字符。",
        "label_unfit_for_name": "{label} 含有文件名不允许的字符 {characters}。这样的标签需要标签表：新建 {table}，"
        "首行写 file,label，再为 {folder} 中已有的每张图片各写一行，然后重新确认。",
        "label_not_parsed": "从文件名 {file} 解析不出标签 {label}：utils.py 中的 extraction_label 要求另一种命名方式。",
        "table_refused": "{folder} 中的标签表无法写入这个标签：{reason}",
        "name_taken": "{file} 已存在，内容是另一张图片，未被覆盖。",
        "already_in_data": "这张图片已在数据集中（{file}），没有重复添加。",
        "image_gone": "{file} 已不存在，不再参与标注。",
        "image_changed": "{file} 在 app.py 启动后被修改过，不再参与标注；重新启动 app.py 后才能标注它。",
        "cannot_undo": "{file} 已被移动或修改，或者原图已不存在，因此保留不动。如果标错了，请手动删除。",
        "nothing_to_undo": "本次没有可撤销的操作。",
        "not_open": "这张图片已标注，或已不再参与标注。",
        "no_such_image": "没有这张图片。",
        "too_many": "一个网格最多 {limit} 张图片。",
        "failed": "出错了，原因见 app.py 的终端。",
    },
}


class LabellingError(DataError):
    """Refusal that the page shows in its visitor's language; as an exception its text is English.

    Args:
        key: Key of the text in `texts`.
        **values: What the text's placeholders stand for.
    """

    texts = TEXTS

    def __init__(self, key: str, **values: object):
        super().__init__(self.texts["en"][key].format(**values))
        self.key = key
        self.values = values

    def message_in(self, language: str) -> str:
        """Returns the text in a language of `texts`."""
        return self.texts[language][self.key].format(**self.values)
