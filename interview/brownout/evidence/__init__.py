"""Evidence consulted: which of the platform's sources were looked at, and when, seen from outside a candidate's shell.

What is counted, a person alone does: requests that neither the platform nor the harness makes, and reads of files that
neither of them reads. A look says that somebody went there, never what they saw; some looks leave no trace.
"""
