"""Contents of label tables: separators, columns, JSON, names of images, and what spreadsheets do to labels."""
