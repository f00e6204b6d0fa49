"""VERBS: one a file. Arguments, one call into the house, one rendering."""
