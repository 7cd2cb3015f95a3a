"""Many pages: `PageReader` for Ray Data and Spark, and what `ppocr bulk` does."""

from ppocr.batch.reader import PageReader

__all__ = ["PageReader"]
