"""How far a run is."""

from pathlib import Path

from benchmark.store import Store


def status(folder: Path) -> str:
    """Counts of cells by status, and the time the rest will take at the pace so far."""
    store = Store(folder)
    counts, rows = store.counts(), store.rows()
    store.close()
    seconds = [row.outcome.seconds for row in rows if row.outcome and row.outcome.status == "done"]
    lines = [f"{folder}: {sum(counts.values())} cells"]
    lines += [f"  {counts[name]:6} {name}" for name in ("done", "failed", "skipped", "to do") if counts[name]]
    if counts["to do"] and seconds:
        minutes = counts["to do"] * sum(seconds) / len(seconds) / 60
        lines.append(f"  about {minutes:.1f} worker-minutes to go")
    return "\n".join(lines)
