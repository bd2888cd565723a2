"""Other validators under the same rules, each as its users would write it. Each module is one program and one process:
`python -m bench.peers.by_duckdb FILE RULES [VERDICTS]`, where RULES is what `validation rules` prints."""
