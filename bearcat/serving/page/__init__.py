"""The gradio page: its layout, event handlers, HTML, translations, and how it is mounted."""
