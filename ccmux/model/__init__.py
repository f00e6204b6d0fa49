"""THE WORDS: frozen values that every part of ccmux shares."""
