"""What the candidate sees of an interview, as pages and as text: the page from on-call, the stack, findings, hints."""
