"""The student's rows: those of X, drawn, unlabelled, generated."""
