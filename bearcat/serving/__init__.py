"""The HTTP service: protocol, answers, queue, metrics, processes, and the gradio page."""
