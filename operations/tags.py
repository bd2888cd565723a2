"""The three tags that everything carries, as template.yaml has them."""


def of(environment: str) -> dict:
    """The tags of what belongs to one environment."""
    return {
        "Environment": environment,
        "Application": "transaction-processing-pipeline",
        "CostCenter": "finance-analytics",
    }
