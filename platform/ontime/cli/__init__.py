"""The platform's command line, `ontime`: thin over `ontime.runtime` and the parts' own commands."""
