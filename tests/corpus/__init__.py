"""Small inputs of every kind of file that is read, each made here: one clear line or a right result."""
