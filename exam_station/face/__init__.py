"""Compares the candidate before the camera with the portrait in the chip.

`camera` gives frames, `detection` finds face and landmarks, `quality` judges them, `matcher`
turns pictures into templates, `policy` decides; `check` ties them together for the kiosk.
Nothing here writes a picture or a template to disk.
"""
