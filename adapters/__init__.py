"""One file for each vendor and role; each class subclasses its port."""
