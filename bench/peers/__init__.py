"""Other validators with the same rules, each written as its users would. Each module is a program:
`python -m bench.peers.by_duckdb FILE RULES [VERDICTS]`, where RULES is the output of `validation rules`."""
