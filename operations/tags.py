"""The three tags of every resource, as in template.yaml."""


def of(environment: str) -> dict:
    """The tags of an environment's resources."""
    return {
        "Environment": environment,
        "Application": "transaction-processing-pipeline",
        "CostCenter": "finance-analytics",
    }
