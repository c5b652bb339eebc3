"""What the DAGs run, one module a DAG, each callable without Airflow.

A job reads this process's environment and behaviour, works on [what it did last, world now), and logs world time.
"""
