"""Images, labels and vocabularies: reading, checking, splitting, augmenting and packing them into TFRecords."""
