"""What a run says at its end of what it did by chance."""

from __future__ import annotations


def pytest_terminal_summary(terminalreporter):
    """How many inputs the fuzzers tried: that depends on the machine."""
    for report in terminalreporter.stats.get("passed", []):
        for name, counts in report.user_properties:
            if name == "fuzzed":
                listed = ", ".join(f"{surface} {count:,}" for surface, count in counts.items())
                terminalreporter.write_line(f"fuzzed: {sum(counts.values()):,} inputs: {listed}")
