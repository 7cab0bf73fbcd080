"""The base recogniser: what the text modes start from, and all that makes it again."""
