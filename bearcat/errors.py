"""One base error for everything that a user can mend; a message says what was received, where, and what to do."""


class BearcatError(Exception):
    """A mistake that its user can mend: shown as one message with exit code 2, without a traceback."""


class SettingsError(BearcatError):
    """A setting or a configuration file is wrong."""


class WorkError(BearcatError):
    """There is no such work folder, or it cannot be made."""


class DataError(BearcatError):
    """A data set is missing, empty or does not fit the settings."""


class LabelError(DataError):
    """A label is missing, too long, or holds a character that is not in the vocabulary."""


class ImageError(DataError):
    """A picture cannot be read."""


class ImageFormatError(ImageError):
    """The bytes are not a picture in a format that is accepted."""


class ImageSizeError(ImageError):
    """A picture has too many pixels."""


class RequestOptionError(BearcatError):
    """A request to the service says something that the unit has no use for."""


class RecordError(DataError):
    """A pack of TFRecords is missing, damaged or does not fit the settings."""


class CheckpointError(BearcatError):
    """There is no usable checkpoint, or it does not fit the settings."""


class WorkerLostError(BearcatError):
    """Of the workers that train together one has gone, so that the others cannot go on."""


class ArtifactError(BearcatError):
    """A trained unit is missing, damaged, or its two forms disagree."""


class ExportError(ArtifactError):
    """A network that cannot be written as an ONNX file."""


class ServiceError(BearcatError):
    """The service cannot start, or did not answer."""
