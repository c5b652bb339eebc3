"""The kind runtime: the same components in Kubernetes, under the same verbs.

From outside, `stack` makes a cluster, builds and loads the images, applies the manifests and waits. Inside, where the
state volume is mounted (a workstation, or whoever operates the platform), it scales and rolls out what is there.
`checks` says what is in the way, `cluster` owns the cluster, `images` the images, `manifests` what is applied,
`pods` how the pods are.
"""
