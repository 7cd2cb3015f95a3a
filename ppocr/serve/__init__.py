"""`ppocr serve`: reading over HTTP (extra `[serve]`)."""
