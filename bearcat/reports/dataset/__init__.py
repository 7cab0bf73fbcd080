"""The report on the data sets (cheak_file.py): statistics, checks, and the settings that follow from them."""
