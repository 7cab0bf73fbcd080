"""Generated captchas: their configuration, texts, click captchas with boxes, and files that a seed repeats."""
