"""`brownout`: the interviewer's command line. Run it as `python -m brownout.cli`."""
