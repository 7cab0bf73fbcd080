"""The page on which images are labelled by hand (`app.py --label`): queue, session, copies, web app."""
