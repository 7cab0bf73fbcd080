"""The labelling page of EFFICIENTDET, on which boxes are drawn and named: their label files, web app, translations."""
