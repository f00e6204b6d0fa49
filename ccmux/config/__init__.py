"""HANDS: `ccmux.toml`, from text to values and back, comments kept. Every error names file, line, key and what was meant."""
