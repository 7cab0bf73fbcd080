"""What every package builds on: errors, files, works, settings files, locks, progress, fonts, devices, storage."""
