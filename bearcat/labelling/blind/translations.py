"""Texts of the page that hides the labels in English and Chinese: those of the labelling page, with some of its own."""

from bearcat.labelling.translations import TEXTS as SHARED
from bearcat.labelling.translations import LabellingError

_OWN = {
    "en": {
        "title": "What can people read?",
        "tagline": "Type what the image shows and press Enter. If you cannot read it, press Esc.",
        "folders": "The labels of {folder} are hidden. What you type, and how long it takes, is saved in {file}.",
        "answered": "answered",
        "image": "The image to read",
        "label_field": "What does the image show?",
        "case_matters": "Upper and lower case make a difference.",
        "case_ignored": "Upper and lower case make no difference.",
        "answer": "Next",
        "give_up": "Cannot read it",
        "finish_now": "Finish and show the result",
        "finish_later": "Start the page again to answer more: images without an answer come first.",
        "result": "Thank you. The result:",
        "result_none": "No image could be shown; the terminal says why.",
        "result_exact": "read correctly: {correct} of {answers} images, {exact} (95% interval {low} – {high})",
        "result_seconds": "time per image, typing included: {seconds} s (median)",
        "result_no_seconds": "time per image: not known, since there was a pause at every image",
        "result_given_up": "given up as unreadable: {count}",
        "again": "Next person",
        "finish_hint": "All answers are saved in {file}. Stop app.py with Ctrl-C in its terminal, then run:",
        "no_connection": "app.py does not respond; has it been stopped? All answers so far are saved.",
        "label_empty": "Type what the image shows. If you cannot read it, press Esc.",
        "label_unprintable": "The text contains an invisible character: type it again.",
        "label_too_long": "The text is too long: at most {limit} characters are allowed.",
        "image_gone": "An image could not be shown and was left out.",
        "no_session": "app.py was started again, or many people came since: your answers are saved, and you can go on.",
        "not_loaded": "The image could not be loaded. Press Enter to try again; the terminal of app.py may say why.",
        "not_open": "This image has been answered already.",
        "not_shown": "This image was not shown yet.",
        "too_few": "The result is shown from {limit} answers on.",
    },
    "zh": {
        "title": "人能看懂多少？",
        "tagline": "请输入图片内容，然后按回车；看不清请按 Esc。",
        "folders": "{folder} 的标签已隐藏。您输入的内容和所用时间保存在 {file} 中。",
        "answered": "已回答",
        "image": "待辨认的图片",
        "label_field": "图片里是什么？",
        "case_matters": "区分大小写。",
        "case_ignored": "不区分大小写。",
        "answer": "下一张",
        "give_up": "看不清",
        "finish_now": "结束并查看结果",
        "finish_later": "再次打开本页面可以继续作答：还没有答案的图片会先出现。",
        "result": "谢谢！结果如下：",
        "result_none": "没有图片可以显示，原因见终端。",
        "result_exact": "正确：{answers} 张中的 {correct} 张，即 {exact}（95% 置信区间 {low} – {high}）",
        "result_seconds": "每张图片用时（含输入）：{seconds} 秒（中位数）",
        "result_no_seconds": "每张图片用时：未知，因为每张图片作答时都有停顿",
        "result_given_up": "看不清的图片：{count}",
        "again": "换下一位",
        "finish_hint": "所有回答都保存在 {file} 中。在终端按 Ctrl-C 停止 app.py，然后运行：",
        "no_connection": "app.py 没有响应，可能已经停止。此前的回答均已保存。",
        "label_empty": "请输入图片内容；看不清请按 Esc。",
        "label_unprintable": "输入里有不可见字符，请重新输入。",
        "label_too_long": "输入太长，最多 {limit} 个字符。",
        "image_gone": "有一张图片无法显示，已略过。",
        "no_session": "app.py 已重新启动，或者此后有很多人作答：您的回答已保存，可以继续。",
        "not_loaded": "图片加载失败，按回车重试；原因可能见 app.py 的终端。",
        "not_open": "这张图片已经回答过了。",
        "not_shown": "这张图片还没有显示过。",
        "too_few": "至少回答 {limit} 张后才显示结果。",
    },
}
TEXTS = {language: SHARED[language] | own for language, own in _OWN.items()}


class BlindError(LabellingError):
    """Refusal of an answer, with a text of this page."""

    texts = TEXTS
