"""What the labelling page says, in English and in Chinese, and why it refuses something."""

from bearcat.core.errors import DataError
from bearcat.serving.page.translations import words_of as words_in

WORDS = {
    "en": {
        "title": "Label images",
        "ways": "What you confirm is copied from {folder} into {target}; the originals stay as they are.",
        "tagline": "Does the field say what the image shows? Press Enter. If not, put it right first.",
        "tagline_blank": "Type what the image shows and press Enter.",
        "labelled": "labelled in this session",
        "left": "left",
        "skipped": "skipped",
        "before": "in the work's data before",
        "duplicates": "there twice",
        "damaged": "damaged, left out",
        "looking": "still reading: {share}",
        "image": "The image to label",
        "read_by": "read by {unit}",
        "overall": "all of it right: {share}",
        "nothing_read": "nothing was read",
        "field": "What the image shows",
        "confirm": "Confirm",
        "skip": "Skip",
        "back": "Undo the last",
        "marked": "Typing replaces the selected character, the least sure one.",
        "new_symbol": "{symbols}: not seen before. Enter once more if it is right.",
        "classes": "Type, or take a known class with the arrow keys ↓ ↑.",
        "saved": "{label} saved as {file}",
        "taken_back": "{label} taken back: {file} is out of the data again",
        "was_skipped": "Skipped; it comes again at the end.",
        "waiting": "Reading the images …",
        "done": "Every image is labelled.",
        "done_skipped": "Only skipped images are left: {count}",
        "again": "Look at the skipped ones",
        "enough": "Enough for now?",
        "enough_words": "Every confirmed image lies in {target}. End app.py with Ctrl-C in its terminal, then run:",
        "enough_later": "Afterwards start app.py --label again: the new unit reads better, and what is labelled is not "
        "shown again.",
        "lost": "app.py does not answer: has it ended? What was confirmed is saved.",
        "empty": "The label is empty: type what the image shows, or skip it.",
        "blank": "The label holds _, which ends a label in a file's name: it cannot be part of one.",
        "unprintable": "The label holds a sign that cannot be seen: type it again.",
        "long": "The label is too long: at most {most} characters are accepted.",
        "unfit": "{label} holds {signs}, which a file's name can't hold. Such labels need a table: make {table} with "
        "the line file,label and a line for every image that is in {folder} already, then confirm again.",
        "form": "{file} would not be read as {label}: extraction_label in utils.py wants names of another form.",
        "table": "The label table in {folder} cannot take this label: {reason}",
        "taken": "{file} is there already with another image in it, and is left as it is.",
        "there": "This very image is in the work's data already, as {file}: it was not added again.",
        "gone": "{file} is not there any more: it is left out.",
        "changed": "{file} has changed since app.py was started: it is left out; start app.py again to label it.",
        "stays": "{file} was moved or changed since, or its source is gone: it stays. Take it back by hand.",
        "nothing_back": "There is nothing to take back in this session.",
        "not_open": "This image was labelled or left out meanwhile.",
        "unknown": "There is no such image.",
        "failed": "Something went wrong here; the terminal of app.py says what.",
    },
    "zh": {
        "title": "标注图片",
        "ways": "确认过的图片会从 {folder} 复制到 {target}；原图保持不变。",
        "tagline": "输入框里的内容与图片一致吗？一致就按回车；不一致，先改正再按回车。",
        "tagline_blank": "输入图片上的内容，然后按回车。",
        "labelled": "本次已标注",
        "left": "剩余",
        "skipped": "已跳过",
        "before": "此前已在数据集中",
        "duplicates": "重复",
        "damaged": "损坏，已略过",
        "looking": "仍在识别：{share}",
        "image": "待标注的图片",
        "read_by": "由 {unit} 识别",
        "overall": "整体正确的把握：{share}",
        "nothing_read": "没有识别出内容",
        "field": "图片上的内容",
        "confirm": "确认",
        "skip": "跳过",
        "back": "撤回上一张",
        "marked": "直接输入会替换选中的字符，它是最没把握的一个。",
        "new_symbol": "{symbols}：以前没有出现过。如果没错，请再按一次回车。",
        "classes": "直接输入，或者用方向键 ↓ ↑ 选择已有的类别。",
        "saved": "{label} 已保存为 {file}",
        "taken_back": "{label} 已撤回：{file} 已从数据集中移除",
        "was_skipped": "已跳过，最后会再次出现。",
        "waiting": "正在识别图片……",
        "done": "所有图片都已标注。",
        "done_skipped": "只剩下跳过的图片：{count}",
        "again": "查看跳过的图片",
        "enough": "先到这里？",
        "enough_words": "确认过的图片都已存入 {target}。在终端里按 Ctrl-C 结束 app.py，然后运行：",
        "enough_later": "之后再次运行 app.py --label：新模型识别得更准，已标注的图片不会再出现。",
        "lost": "app.py 没有响应：是不是已经结束了？确认过的内容都已保存。",
        "empty": "标签是空的：请输入图片上的内容，或者跳过。",
        "blank": "标签里有 _：文件名中的标签到 _ 为止，所以标签里不能有它。",
        "unprintable": "标签里有看不见的字符：请重新输入。",
        "long": "标签太长：最多 {most} 个字符。",
        "unfit": "{label} 里有文件名不允许的字符 {signs}。这样的标签需要一张表：新建 {table}，写上一行 file,label，"
        "再为 {folder} 里已有的每张图片写一行，然后重新确认。",
        "form": "{file} 不会被读作 {label}：utils.py 里的 extraction_label 要求另一种文件名。",
        "table": "{folder} 里的标签表放不下这个标签：{reason}",
        "taken": "{file} 已经存在，里面是另一张图片；它会保持原样。",
        "there": "这张图片已经在数据集里了，文件是 {file}：没有重复添加。",
        "gone": "{file} 已经不在了：已略过。",
        "changed": "{file} 在 app.py 启动之后被改动过：已略过；重新启动 app.py 才能标注它。",
        "stays": "{file} 后来被移动或改动过，或者它的原图已经不在：保持原样。如需撤回，请手动处理。",
        "nothing_back": "本次没有可以撤回的内容。",
        "not_open": "这张图片已经标注过，或者已略过。",
        "unknown": "没有这张图片。",
        "failed": "出错了，原因见 app.py 的终端。",
    },
}


class LabellingError(DataError):
    """Why an image is not labelled so: the key of its words, and what goes into them; its text is the English one."""

    def __init__(self, word: str, **values: object):
        super().__init__(WORDS["en"][word].format(**values))
        self.word = word
        self.values = values

    def told(self, words: dict[str, str]) -> str:
        """Return the refusal in a visitor's language."""
        return words[self.word].format(**self.values)


def language_of(accept_language: str) -> str:
    """Return which of the languages a browser asks for, by the same rule as the page that reads images."""
    return "zh" if words_in(accept_language)["copy"] == words_in("zh")["copy"] else "en"
