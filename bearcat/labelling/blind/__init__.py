"""The page on which people type what labelled images show (`app.py --label --blind`): sessions, records, web app."""
