"""The local runtime: what runs, how it is started, watched, deployed to and stopped.

`components` is the table of what runs; `stack` starts and stops it; `status` tells the truth about it; `deploy`
changes the code it runs from. Everything else here serves these four.
"""
