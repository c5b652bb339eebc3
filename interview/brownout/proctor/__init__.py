"""The proctor: probes the stack during an interview, notes what changes, and serves interviewer and candidate."""
