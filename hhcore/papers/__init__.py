"""Papers as folders: published numbers and figures, made again and compared."""
