"""What the page says, in English and in Chinese; which of the two is the browser's own choice."""

import re

WORDS = {
    "en": {
        "tagline": "Drop, paste or choose a captcha of the kind this unit was trained on. It is read at once.",
        "image": "Image",
        "unit": "Trained unit",
        "prompt": "What to click, in order",
        "prompt_hint": "for example 天好, or names with commas between",
        "examples": "Images of the test set",
        "history": "Read on this visit",
        "waiting": "What is read appears here.",
        "overall": "all of it right: {share}",
        "time": "{time} ms",
        "copy": "Copy",
        "nothing": "Nothing was read. Is this the kind of image the unit was trained on?",
        "no_objects": "Nothing was found. Is this the kind of image the unit was trained on?",
        "found": "Found",
        "clicks": "To click, in order",
        "not_found": "not found",
        "choose": "Choose an image first.",
        "no_unit": "There is no trained unit of this name any more: load the page again.",
        "format": "This is no image in one of these formats: {formats}.",
        "size": "This image has too many pixels: at most {pixels} are accepted.",
        "damaged": "This image is damaged or too small.",
        "unknown": "Never learnt by this unit, so it can't be clicked: {names}",
        "bad_prompt": 'Write what to click as 天好, as names with commas between, or as ["天", "好"].',
        "failed": "Something went wrong here; the service's log says what.",
    },
    "zh": {
        "tagline": "拖入、粘贴或选择一张验证码图片（须与模型训练时的类型一致），立即识别。",
        "image": "图片",
        "unit": "模型",
        "prompt": "按什么顺序点击",
        "prompt_hint": "例如 天好；多字的名称之间用逗号隔开",
        "examples": "测试集中的图片",
        "history": "本次访问的识别记录",
        "waiting": "识别结果会显示在这里。",
        "overall": "整体正确的把握：{share}",
        "time": "{time} 毫秒",
        "copy": "复制",
        "nothing": "没有识别出内容。这张图片与训练时的类型一致吗？",
        "no_objects": "没有找到目标。这张图片与训练时的类型一致吗？",
        "found": "找到的目标",
        "clicks": "点击顺序",
        "not_found": "未找到",
        "choose": "请先选择一张图片。",
        "no_unit": "这个模型已经不在了，请刷新页面。",
        "format": "这不是可用的图片，支持的格式：{formats}。",
        "size": "图片的像素太多，最多 {pixels} 像素。",
        "damaged": "图片已损坏，或者尺寸太小。",
        "unknown": "模型没有学过，无法点击：{names}",
        "bad_prompt": '请写成 天好，或用逗号隔开的名称，或 ["天", "好"]。',
        "failed": "服务出错了，原因见服务的日志。",
    },
}
# gradio translates every text that is one of these keys, the name of a unit too: hence the prefix
PREFIX = "bearcat_"
# it looks a browser's language up as it is written; its own words are there in all of these
LANGUAGES = {"en": "en", "zh": "zh", "zh-CN": "zh", "zh-TW": "zh", "zh-HK": "zh"}
TRANSLATIONS = {
    language: {PREFIX + word: text for word, text in WORDS[ours].items()} for language, ours in LANGUAGES.items()
}


def words_of(accept_language: str) -> dict[str, str]:
    """Return the words in the first language of a browser's list, in English where that is not Chinese."""
    return WORDS["zh" if re.match(r"\s*zh\b", accept_language, re.IGNORECASE) else "en"]
