"""Reports for people: check.html of the data sets, test.html and compare.html of trained models, and figures."""
