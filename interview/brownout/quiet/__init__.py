"""Whether a symptom probe stays quiet while nothing is wrong: twenty healthy windows, none of which may be red.

`offline` makes a window from the canonical events, for probes that judge the world's record and stored rows; `live`
runs the healthy stack through them, for every probe. What was covered by which is said, never assumed.
"""
