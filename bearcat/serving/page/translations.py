"""The texts of the page in English and Chinese; the browser's settings choose the language."""

import re

TEXTS = {
    "en": {
        "tagline": "Drop, paste or choose a captcha like those the model was trained on. It is recognised at once.",
        "image": "Image",
        "model": "Model",
        "prompt": "What to click, in order",
        "prompt_hint": "for example 天好, or names separated by commas",
        "examples": "Test images",
        "history": "History of this visit",
        "waiting": "The result appears here.",
        "overall": "overall confidence: {confidence}",
        "time": "{time} ms",
        "copy": "Copy",
        "nothing": "No text was recognised. Was the model trained on images like this one?",
        "no_objects": "No objects were found. Was the model trained on images like this one?",
        "found": "Objects",
        "clicks": "Click in this order",
        "not_found": "not found",
        "choose": "Choose an image first.",
        "no_model": "This model is no longer available. Reload the page.",
        "format": "This file is not an image in a supported format: {formats}.",
        "size": "This image is too large: at most {pixels} pixels are allowed.",
        "damaged": "This image is damaged or too small.",
        "unknown": "The model does not know: {names}",
        "bad_prompt": 'Enter the characters to click (天好), names separated by commas, or a JSON list (["天", "好"]).',
        "too_large": "What was sent is too large.",
        "busy": "The service is busy. Try again in a moment.",
        "too_slow": "The model takes too long for this image.",
        "failed": "Something went wrong. See the log of the service.",
    },
    "zh": {
        "tagline": "拖入、粘贴或选择一张验证码图片，立即识别。图片应与模型的训练数据属于同一类型。",
        "image": "图片",
        "model": "模型",
        "prompt": "要依次点击的内容",
        "prompt_hint": "例如 天好；多字名称用逗号分隔",
        "examples": "测试集图片",
        "history": "本次识别记录",
        "waiting": "识别结果将显示在这里。",
        "overall": "整体置信度：{confidence}",
        "time": "{time} 毫秒",
        "copy": "复制",
        "nothing": "没有识别出内容。这张图片与模型的训练数据属于同一类型吗？",
        "no_objects": "没有检测到目标。这张图片与模型的训练数据属于同一类型吗？",
        "found": "检测到的目标",
        "clicks": "点击顺序",
        "not_found": "未找到",
        "choose": "请先选择一张图片。",
        "no_model": "该模型已不可用，请刷新页面。",
        "format": "文件不是图片，或格式不受支持。支持的格式：{formats}。",
        "size": "图片过大，最多 {pixels} 像素。",
        "damaged": "图片已损坏或尺寸过小。",
        "unknown": "模型的类别中没有：{names}",
        "bad_prompt": '请输入要点击的字符（如 天好）、用逗号分隔的名称，或 JSON 列表（如 ["天", "好"]）。',
        "too_large": "发送的内容过大。",
        "busy": "服务繁忙，请稍后重试。",
        "too_slow": "模型识别这张图片用时过长。",
        "failed": "服务出错，详情请查看服务日志。",
    },
}
# gradio translates every text that equals a key, even the name of a model: hence the prefix
PREFIX = "bearcat_"
# gradio looks up the browser's language tag as it is; its own texts exist in all of these
LANGUAGES = {"en": "en", "zh": "zh", "zh-CN": "zh", "zh-TW": "zh", "zh-HK": "zh"}
TRANSLATIONS = {
    tag: {PREFIX + key: text for key, text in TEXTS[language].items()} for tag, language in LANGUAGES.items()
}

# status of a refused request → text; without one the page shows the service's own message
TEXTS_OF_STATUS = {
    language: {413: texts["too_large"], 500: texts["failed"], 503: texts["busy"]} for language, texts in TEXTS.items()
}


def language_of(accept_language: str) -> str:
    """Returns the language to answer in, "en" or "zh": Chinese if it is the browser's first choice."""
    return "zh" if re.match(r"\s*zh\b", accept_language, re.IGNORECASE) else "en"


def texts_for(accept_language: str) -> dict[str, str]:
    """Returns the texts in the language of an Accept-Language header."""
    return TEXTS[language_of(accept_language)]
