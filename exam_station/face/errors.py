"""What can go wrong around a face, as typed errors with a stable code and a remedy."""

from enum import StrEnum


class FaceReason(StrEnum):
    """Why no comparison is possible.  The value is the stable code that screens translate."""

    NO_CAMERA = "no_camera"
    CAMERA_STOPPED = "camera_stopped"
    MODEL_MISSING = "model_missing"
    MODEL_DAMAGED = "model_damaged"
    PORTRAIT_UNREADABLE = "portrait_unreadable"
    PORTRAIT_WITHOUT_FACE = "portrait_without_face"

    @property
    def remedy(self) -> str:
        """One English line that tells a person what to do."""
        return _REMEDIES[self]


_REMEDIES: dict[FaceReason, str] = {
    FaceReason.NO_CAMERA: "Connect a camera, close other programs that use it, and try again.",
    FaceReason.CAMERA_STOPPED: "Check the camera's cable and try again.",
    FaceReason.MODEL_MISSING: "Run the set-up of this station again (make setup).",
    FaceReason.MODEL_DAMAGED: "Delete the model folder and run the set-up again (make setup).",
    FaceReason.PORTRAIT_UNREADABLE: "Read the card again; if it stays so, ask the proctor.",
    FaceReason.PORTRAIT_WITHOUT_FACE: "Let the proctor compare the person with the card.",
}


class FaceError(Exception):
    """No comparison is possible, for `reason`; `detail` is for the log, not for the candidate."""

    def __init__(self, reason: FaceReason, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{detail}. {reason.remedy}" if detail else reason.remedy)

    @property
    def remedy(self) -> str:
        """One English line that tells a person what to do."""
        return self.reason.remedy


class CameraError(FaceError):
    """Frames cannot be had."""


class NoCameraError(CameraError):
    """The frame source cannot be opened or holds no picture."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(FaceReason.NO_CAMERA, detail)


class CameraStoppedError(CameraError):
    """The frame source was open and gives no more frames."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(FaceReason.CAMERA_STOPPED, detail)


class ModelError(FaceError):
    """A model or weight file is missing or is not what it says."""


class PortraitError(FaceError):
    """The chip's portrait cannot be used for a comparison."""
