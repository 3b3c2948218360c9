"""How a cost code is written as a phase of Spectrum, and when two are the same phase."""


def format_phase_code(cost_code: str) -> str:
    """Without dashes."""
    return cost_code.replace("-", "").strip()


def get_comparable_phase(code: str) -> str:
    """Spectrum compares without regard to case."""
    return format_phase_code(code).upper()
