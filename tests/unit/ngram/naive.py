"""Interpolated modified Kneser-Ney as the books write it: dictionaries, one probability at a time."""

from collections import Counter
from collections.abc import Sequence

Gram = tuple[int, ...]


class NaiveKneserNey:
    """The 5-gram (or shorter) of a text; `probability` asks it."""

    def __init__(self, tokens: Sequence[int], vocabulary: int, order: int) -> None:
        self.vocabulary, self.order = vocabulary, min(order, len(tokens))
        seen = [Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)) for n in range(1, self.order + 2)]
        self.counts: list[Counter[Gram]] = []
        for n in range(1, self.order + 1):
            followed: Counter[Gram] = Counter(gram[1:] for gram in seen[n])
            self.counts.append(seen[n - 1] if n == self.order else followed)

    def discount(self, n: int, count: int) -> float:
        n1, n2, n3, n4 = (sum(c == k for c in self.counts[n - 1].values()) for k in (1, 2, 3, 4))
        found = [0.0, 0.5, 1.0, 1.5]
        if n1 and n2 and n3:
            y = n1 / (n1 + 2 * n2)
            formula = [0.0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
            found = formula if min(formula[1:]) > 0 else found
        return found[min(count, 3)]

    def probability(self, history: Sequence[int], token: int) -> float:
        return self._probability(tuple(history)[-(self.order - 1) :] if self.order > 1 else (), token)

    def _probability(self, context: Gram, token: int) -> float:
        n = len(context) + 1
        lower = self._probability(context[1:], token) if context else 1 / self.vocabulary
        after = {gram: count for gram, count in self.counts[n - 1].items() if gram[:-1] == context}
        total = sum(after.values())
        if not total:
            return lower
        held = sum(self.discount(n, count) for count in after.values())
        count = self.counts[n - 1].get((*context, token), 0)
        return (count - self.discount(n, count)) / total + held / total * lower
