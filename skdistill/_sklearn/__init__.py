"""Every private scikit-learn name this package uses, one file per neighbour.

Each use says why and on which versions it was checked; nothing outside this folder
imports a name of scikit-learn's that starts with an underscore.
"""
