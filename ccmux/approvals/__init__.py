"""Questions of Claude's that a person answers from where the person is."""
