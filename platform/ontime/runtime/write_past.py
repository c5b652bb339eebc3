"""`python -m ontime.runtime.write_past`: gives a new Prometheus a past that ends now. It starts without one, too."""

from __future__ import annotations

import time


def main() -> None:
    from ontime.past import write_past
    from ontime.settings import environment

    here = environment()
    past = write_past(here, here.state / "prometheus" / "data", time.time())
    print(f"{past.samples} samples in {past.seconds:.1f} s. {past.why}".strip())


if __name__ == "__main__":
    main()
