"""The command `ppocr`: one module per sub-command, imported only when it is the one that was called."""
