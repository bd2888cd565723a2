"""The rules that a regular expression can express. All except the last match a whole value."""

# The format's digits are ASCII, which \d is not in every engine.
AMOUNT = r"-?[0-9]+(\.[0-9]+)?"
NEGATIVE_ZERO = r"-0+(\.0+)?"
DATE = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?"
OFFSET = r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
TIMESTAMP = f"{DATE}[Tt]{TIME}{OFFSET}"
TRANSACTION_ID = r"[ -~]{1,128}"
# Control characters but for tabs and line breaks, and byte-order marks. As RE2 and Rust write them; Python does not.
FORBIDDEN = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x{9f}\\x{feff}]"
