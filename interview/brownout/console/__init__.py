"""The console: an interviewer's whole work in a browser. Everything on its pages is read from ledger and Prometheus.

`app` puts it together, `doors` says who may enter, `stream` tells pages what the ledger got, `views` what they show.
"""
