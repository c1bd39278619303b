"""Results that several tests read and none changes."""

import pytest

from unit.study.made_up import ABLATIONS, Results, Truth, results_of


@pytest.fixture(scope="session")
def paper_results() -> Results:
    """The paper's numbers with little noise."""
    return results_of(Truth())


@pytest.fixture(scope="session")
def variant_results() -> Results:
    """The same with all variants."""
    return results_of(Truth(extra=ABLATIONS))
