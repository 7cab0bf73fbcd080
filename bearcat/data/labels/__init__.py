"""Labels: from file names, tables, sub-folders and box files, and the text in them."""
