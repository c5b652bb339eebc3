"""`python -m ontime.runtime.apply_features`: makes the feature registry say what the definitions say."""

from __future__ import annotations

if __name__ == "__main__":
    from ontime.online import apply

    apply()
