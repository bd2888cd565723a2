"""Measurements that anyone can repeat: `python3 -m bench`. Needs the standard library alone; the peers have their own."""
