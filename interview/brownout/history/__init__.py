"""A believable past for a workspace: written backwards from the finished tree, one plausible commit at a time."""
