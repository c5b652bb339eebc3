"""Training: a window of labelled flights → features → LightGBM → ONNX → a registered version."""

from ontime.training.booster import features, labels, train

__all__ = ["features", "labels", "train"]
