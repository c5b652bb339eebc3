"""What all pages of the harness share: the frame, the look, the plots, the connection that says when it is lost.

`rendering.Pages` renders templates over `templates/base.html.j2`; `headers.SecurityHeaders` is what answers carry;
`static/` is plain CSS and JavaScript that runs as it lies there. `static/vendor` is pinned by its manifest.
"""
