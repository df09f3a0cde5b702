"""The one place that imports OpenCV.

opencv-python carries a Qt of its own and points Qt at it through two environment variables,
which would make PySide6 load foreign plugins.  So this module is imported before PySide6, and
the variables go at once.  OpenCV's windows (HighGUI) are never used.
"""

import os

import cv2

for _variable in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
    if "cv2" in os.environ.get(_variable, ""):
        del os.environ[_variable]

# What fails is told by our own errors; OpenCV's report of each backend it tried helps nobody.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

__all__ = ["cv2"]
