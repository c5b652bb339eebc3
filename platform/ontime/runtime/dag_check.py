"""`python -m ontime.runtime.dag_check`: says for each DAG file why Airflow could not parse it."""

from __future__ import annotations

import logging
import sys


def main() -> int:
    logging.disable(logging.CRITICAL)
    from airflow.configuration import conf
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(conf.get_mandatory_value("core", "dags_folder"))
    for path, reason in bag.import_errors.items():
        print(f"{path} cannot be parsed: {reason.strip().splitlines()[-1]}")
    return 1 if bag.import_errors else 0


if __name__ == "__main__":
    sys.exit(main())
