"""Training: a window of labelled flights → features → LightGBM → ONNX → a registered version.

`retrain` does all of it; it stands in `ontime.training.retrain`, because it imports MLflow's side too.
"""

from ontime.training.booster import features, labels, predict, train
from ontime.training.data import Frames, load_frame, load_frames, validate
from ontime.training.window import Days, Window

__all__ = [
    "Days",
    "Frames",
    "Window",
    "features",
    "labels",
    "load_frame",
    "load_frames",
    "predict",
    "train",
    "validate",
]
