"""How far a run is."""

from pathlib import Path

from benchmark.store import Store
from reports.load import load
from reports.seeds import seed_counts


def status(folder: Path) -> str:
    """Counts of cells by status, and the time the rest will take at the pace so far."""
    store = Store(folder)
    counts, rows = store.counts(), store.rows()
    store.close()
    seconds = [row.outcome.seconds for row in rows if row.outcome and row.outcome.status == "done"]
    lines = [f"{folder}: {sum(counts.values())} cells"]
    lines += [f"  {counts[name]:6} {name}" for name in ("done", "failed", "skipped", "to do") if counts[name]]
    added = seed_counts(load(folder))
    if added:
        lines.append("  seeds: " + ", ".join(f"{name} {number}" for name, number in added.items()))
    if counts["to do"] and seconds:
        minutes = counts["to do"] * sum(seconds) / len(seconds) / 60
        lines.append(f"  about {minutes:.1f} worker-minutes to go")
    return "\n".join(lines)
