"""The harness on Kubernetes: a pod in a namespace of its own, and the interviewer's commands that reach it.

In the pod everything is as on one machine: the same processes under the same supervisor, the platform's state at
`/state`, its addresses at 127.0.0.1. `outside` makes all that and passes commands on; `hold`, `forward` and `opening`
run in the pod.
"""
