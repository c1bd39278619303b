"""From measurements to tables, figures and verdicts: pure functions over metrics, without torch."""
